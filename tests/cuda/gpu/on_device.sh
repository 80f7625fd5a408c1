#!/bin/bash
# on_device.sh [--require-device] [PART...]: the tests on a CUDA device. What they need but a driver lies beside this
# script, in a folder that may have been built on another machine: ./run pack-cuda. A tally follows each program; at the end
# stand the names of what failed and "cuda-device: P passed, F failed, K skipped".
#
# The parts, in the order that they have where none is named. A device may be lent by the minute, so what says most in the
# least time comes first:
#
#   golden           the CPU's hashes, over every operation and format
#   device           arrays of exact sizes, streams, a replayed graph
#   large            more than 2^32 elements
#   families         the tests of the CPU library's functions, those of a suite in a process of their own
#   bits             many inputs of every operation
#   sanitize-device  compute-sanitizer's four tools over `device`, whose arrays are allocations by themselves
#   sanitize-golden  and over `golden`
#
# and, only where they are named, roofline (cuda_roofline, to RESULTS/roofline.json) and pytorch (pytorch.py, into the same
# file). With 600 seconds of a device and 300 more, the first of these has the bits and the speed within some two minutes;
# the second measures once more, for the spread, and takes what the first says was cut off or not begun:
#
#   export RESULTS=DIR PROGRAM_SECONDS=150 SANITIZER_SECONDS=60
#   ALL_SECONDS=560 on_device.sh --require-device golden device roofline large families bits sanitize-device sanitize-golden
#   ALL_SECONDS=240 on_device.sh --require-device roofline pytorch PART...
#
# RESULTS is where the logs go, in one file, on_device.tar.gz, packed anew after each program. Without it that is this
# folder, or a temporary one. PROGRAM_SECONDS and SANITIZER_SECONDS (300) are what one program may take, alone and under the
# sanitizer, ALL_SECONDS what they may take together. What is cut off or not begun for want of time has failed.
set -euo pipefail

parts=(golden device large families bits sanitize-device sanitize-golden)
require=false named=()
for argument; do
  case $argument in
    --require-device) require=true ;;
    golden | device | large | families | bits | sanitize-device | sanitize-golden) named+=("$argument") ;;
    roofline | pytorch) named+=("$argument") ;;
    *)
      echo "on_device.sh does not know '$argument'; its parts are ${parts[*]} roofline pytorch" >&2
      exit 2
      ;;
  esac
done
((${#named[@]} == 0)) || parts=("${named[@]}")

program_seconds=${PROGRAM_SECONDS:-300} sanitizer_seconds=${SANITIZER_SECONDS:-300} all_seconds=${ALL_SECONDS:-1000000}
for number in "$program_seconds" "$sanitizer_seconds" "$all_seconds"; do
  if ! [[ $number =~ ^[1-9][0-9]*$ ]]; then
    echo "PROGRAM_SECONDS, SANITIZER_SECONDS and ALL_SECONDS are whole numbers from 1 on, not '$number'" >&2
    exit 2
  fi
done

ulimit -c 0 # a core of what has mapped a device's memory is large
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
# A relative RESULTS is one of the caller's.
[[ ! ${RESULTS-} ]] || { mkdir -p -- "$RESULTS" && results=$(cd -- "$RESULTS" && pwd); }
cd "$(dirname "${BASH_SOURCE[0]}")"
if [[ ! ${RESULTS-} ]]; then
  results=$PWD
  [[ -w $results ]] || results=$(mktemp -d)
fi
export RECTIFY_GOLDEN_HASHES=$PWD/golden_hashes.txt
passed=0 failed=0 skipped=0 failures=()

status=0
timeout --kill-after=10 60 ./cuda_device |& tee "$logs/cuda_device.log" || status=${PIPESTATUS[0]}
if ((status == 77)); then
  if $require; then
    echo "There is no CUDA device, and --require-device asks for one." >&2
    exit 1
  fi
  echo "skipped: no CUDA device"
  exit 0
fi
if ((status != 0)); then
  echo "The CUDA device cannot be used: cuda_device ended with status $status." >&2
  exit 1
fi
timeout 20 nvidia-smi -q &>"$logs/nvidia-smi.log" || true

# ---- Verdicts ----

# fail NAME WHY
fail() {
  echo "FAILED $1: $2"
  failures+=("$1: $2")
  ((++failed))
}

skip() {
  echo "skipped $1: $2"
  ((++skipped))
}

tally() {
  echo "  so far, after $SECONDS s: $passed passed, $failed failed, $skipped skipped"
  tar --create --gzip --file "$results/on_device.tar.gz" --directory "$logs" . || echo "the logs cannot be packed"
}

# limited SECONDS LOG COMMAND...: runs it for at most so long. Sets `status` to its own, or to "cut off" or "not begun".
limited() {
  local limit=$1 log=$2 left=$((all_seconds - SECONDS)) begin=$SECONDS
  shift 2
  ((limit <= left)) || limit=$left
  status="not begun"
  ((limit > 0)) || return 0
  status=0
  timeout --kill-after=10 "$limit" "$@" &>"$log" || status=$?
  # 137 is the end of one that does not heed the first signal, or that of want of memory.
  if ((status == 124 || (status == 137 && SECONDS - begin >= limit))); then status="cut off"; fi
}

# ended STATUS: in words.
ended() {
  case $1 in
    "cut off") echo "cut off by its time limit" ;;
    "not begun") echo "not begun, for want of time" ;;
    *) if (($1 > 128)); then echo "ended by signal $(($1 - 128))"; else echo "ended with status $1"; fi ;;
  esac
}

# ---- GoogleTest ----

# Of a program's log. Each case that has its verdict has a line with its time.
verdicts() {
  grep --text --count "^\[ *$1 *\] .* ms)\$" "$2" || true
}
cases_failed() {
  sed -nE 's/^\[ *FAILED *\] ([^ ,]+).* ms\)$/\1/p' "$1"
}
last_begun() {
  sed -nE 's/^\[ *RUN *\] //p' "$1" | tail -n 1
}

# cases NAME PROGRAM FILTER: the cases of a program, each verdict by itself. A case that takes its process with it has
# failed, and those after it run in another.
cases() {
  local name=$1 program=$2 filter=$3 round log ok bad without begun case left
  for ((round = 1; round <= 20; ++round)); do
    log=$logs/$name.$round.log
    limited "$program_seconds" "$log" "$program" --gtest_filter="$filter"
    if [[ $status == "not begun" ]]; then
      fail "$name" "$(ended "$status")"
      return
    fi
    ok=$(verdicts OK "$log") bad=$(verdicts FAILED "$log") without=$(verdicts SKIPPED "$log")
    begun=$(grep --text --count '^\[ *RUN *\] ' "$log" || true)
    ((passed += ok, skipped += without)) || true
    for case in $(cases_failed "$log"); do fail "$name" "$case"; done
    if ((bad > 0)); then grep --text --max-count 1 --after-context 12 'Failure$' "$log" | cut --characters=-200 || true; fi

    if ((begun > ok + bad + without)); then
      case=$(last_begun "$log")
      fail "$name" "$case, $(ended "$status")"
      tail -n 5 "$log" | cut --characters=-200
      if [[ $status == "cut off" ]]; then
        left=$(sed -nE 's/^\[=+\] Running ([0-9]+) tests?.*/\1/p' "$log")
        echo "  $((left - begun)) cases of $name were not begun"
        return
      fi
      # Without what has had its turn. The negative patterns of a filter stand after one '-'.
      if [[ $filter == *-* ]]; then filter+=:; else filter+=-; fi
      filter+=$(sed -nE 's/^\[ *RUN *\] //p' "$log" | paste --serial --delimiters=:)
      continue
    fi
    if ! grep --text --quiet '^\[=*\] .* ran\.' "$log" || { [[ $status != 0 ]] && ((bad == 0)); }; then
      fail "$name" "$(ended "$status"), outside of a case"
      tail -n 5 "$log" | cut --characters=-200
    elif ((begun == 0 && round == 1)); then
      fail "$name" "no case of its name"
    fi
    return
  done
  fail "$name" "the device was lost 20 times; the rest was not begun"
}

# families: each suite in a process of its own. Of the arguments' without UnreadArgumentsOf: see there.
families() {
  local suites suite
  suites=$(timeout 60 ./cuda_on_gpu_test --gtest_list_tests --gtest_filter='*/cuda*:ArgumentsOf*-Golden.*' |
    sed -nE 's/^([A-Za-z_0-9]+)\.$/\1/p') || true
  [[ $suites ]] || fail families "their list cannot be had"
  for suite in $suites; do
    echo "$suite"
    case $suite in
      ArgumentsOf*) cases "$suite" ./cuda_on_gpu_test "$suite.*" ;;
      *) cases "$suite" ./cuda_on_gpu_test "$suite.*/cuda*" ;;
    esac
    tally
  done
}

# ---- compute-sanitizer ----

sanitizer=$(command -v compute-sanitizer || true)
for found in /usr/local/cuda*/bin/compute-sanitizer; do
  [[ $sanitizer || ! -x $found ]] || sanitizer=$found
done

# What a line of the four begins with where they have found something.
complaints='Invalid|Misaligned|Error|Warning|Race|Potential|Uninit|Host API|Barrier|Divergent|Program hit|Address'

# sanitized SECONDS TOOL LOG COMMAND...
sanitized() {
  local limit=$1 tool=$2 log=$3 options=(--error-exitcode 1)
  shift 3
  # Allocations side by side would take each other's overruns.
  [[ $tool != memcheck ]] || options+=(--padding 4096)
  limited "$limit" "$log" "$sanitizer" --tool "$tool" "${options[@]}" "$@"
}

# refusal TOOL: sets `refused` to why the tool cannot be had here, empty if it can; asked for once.
declare -A refusals=()
refusal() {
  local tool=$1 log=$logs/$1.log
  if [[ ! ${refusals[$tool]+known} ]]; then
    refusals[$tool]=
    if [[ ! $sanitizer ]]; then
      refusals[$tool]="there is no compute-sanitizer here"
    else
      sanitized 30 "$tool" "$log" ./cuda_device
      [[ $status == 0 || $status == "not begun" ]] ||
        refusals[$tool]="this platform refuses it: $(ended "$status"), $(grep --text '^=' "$log" | tail -n 1 || true)"
    fi
  fi
  refused=${refusals[$tool]}
}

# sanitize NAME PROGRAM FILTER: by each tool, a case each.
sanitize() {
  local tool name log ok errors case refused
  for tool in memcheck racecheck synccheck initcheck; do
    name=$tool-$1 log=$logs/$tool-$1.log
    echo "$name"
    refusal "$tool"
    if [[ $refused ]]; then
      skip "$name" "$refused"
      continue
    fi
    sanitized "$sanitizer_seconds" "$tool" "$log" "$2" --gtest_filter="$3"
    ok=0 errors=0 case=
    if [[ -f $log ]]; then
      ok=$(verdicts OK "$log") case=$(last_begun "$log")
      errors=$(grep --text --count --extended-regexp "^=+ ($complaints)" "$log" || true)
    fi
    if [[ $status == 0 ]] && ((ok > 0)); then
      echo "  $ok cases, $(grep --text 'SUMMARY' "$log" | tail -n 1)"
      ((++passed))
    elif [[ $status == "not begun" ]]; then
      fail "$name" "$(ended "$status")"
    else
      fail "$name" "$(ended "$status") in ${case:-no case}, cases passed: $ok, complaints: $errors"
      grep --text --max-count 1 --after-context 8 --extended-regexp "^=+ ($complaints)|Failure$" "$log" |
        cut --characters=-200 || true
    fi
    tally
  done
}

# ---- Speed ----

# measured NAME COMMAND...: counts as a case.
measured() {
  local name=$1
  shift
  limited "$program_seconds" "$logs/$name.log" "$@"
  if [[ $status == 0 ]]; then
    ((++passed))
  else
    fail "$name" "$(ended "$status")"
    [[ $status == "not begun" ]] || tail -n 5 "$logs/$name.log"
  fi
}

for part in "${parts[@]}"; do
  echo "$part"
  case $part in
    golden) cases golden ./cuda_on_gpu_test 'Golden.*/cuda*' ;;
    device)
      for suite in CudaAllocations CudaStreams CudaGraph; do cases "$suite" ./cuda_device_test "$suite/*"; done
      ;;
    large) cases CudaLarge ./cuda_device_test 'CudaLarge/*' ;;
    families) families ;;
    bits) cases bits ./cuda_on_gpu_bits_test '*/cuda*' ;;
    sanitize-device) sanitize device ./cuda_device_test 'CudaAllocations*:CudaGraph*' ;;
    sanitize-golden) sanitize golden ./cuda_on_gpu_test 'Golden.*/cuda*' ;;
    roofline) measured roofline ./cuda_roofline "$results/roofline.json" ;;
    pytorch)
      if timeout 60 python3 -c 'import torch; raise SystemExit(not torch.cuda.is_available())' &>/dev/null; then
        measured pytorch python3 -u pytorch.py "$results/roofline.json"
      else
        skip pytorch "python3 has no torch that reaches the device"
      fi
      ;;
  esac
  case $part in families | sanitize-*) ;; *) tally ;; esac
done

((failed == 0)) || printf 'failed: %s\n' "${failures[@]}"
echo "The logs are in $results/on_device.tar.gz"
echo "cuda-device: $passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
