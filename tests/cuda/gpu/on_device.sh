#!/bin/bash
# on_device.sh [--require-device]: the tests on a CUDA device. What they need but a driver lies beside this script, in a folder
# that may have been built on another machine: ./run pack-cuda. Ends with "cuda-device: P passed, F failed, K skipped"; logs
# go to $RESULTS, if it is set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
results=${RESULTS:-$PWD}
export RECTIFY_GOLDEN_HASHES=$PWD/golden_hashes.txt
passed=0 failed=0 skipped=0

status=0
./cuda_device || status=$?
if ((status == 77)); then
  if [[ ${1-} == --require-device ]]; then
    echo "There is no CUDA device, and --require-device asks for one." >&2
    exit 1
  fi
  echo "skipped: no CUDA device"
  exit 0
fi
((status == 0)) || exit 1

# tally WORD LOG: how many cases GoogleTest says so of.
tally() {
  local count
  count=$(sed -nE "s/^\[ +$1 +\] ([0-9]+) tests?[.,].*/\1/p" "$2" | tail -n 1)
  echo "${count:-0}"
}

# cases NAME COMMAND...: a GoogleTest program.
cases() {
  local name=$1 log=$results/$1.log status=0 wrong
  shift
  echo "$name"
  "$@" &>"$log" || status=$?
  wrong=$(tally FAILED "$log")
  # One that ends early says nothing of the cases it has not come to.
  if ((wrong == 0)) && { ((status != 0)) || ! grep -q '^\[==========\] .* ran\.' "$log"; }; then wrong=1; fi
  ((wrong == 0)) || tail -n 100 "$log"
  ((passed += $(tally PASSED "$log"), skipped += $(tally SKIPPED "$log"), failed += wrong)) || true
}

# Of the arguments' family those that call; the rest is about the CPU library.
cases device ./cuda_device_test
cases families ./cuda_on_gpu_test --gtest_filter='*/cuda*:ArgumentsOf*'
cases bits ./cuda_on_gpu_bits_test --gtest_filter='*/cuda*'

# sanitized TOOL PROGRAM...
sanitized() {
  local tool=$1 log=$results/$1-${2#./}.log
  shift
  "$sanitizer" --tool "$tool" --error-exitcode 1 "$@" &>"$log"
}

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
skip() {
  echo "$1 skipped: $2"
  ((++skipped))
}
# one TOOL PROGRAM...: counts it as a case.
one() {
  echo "$1 $2"
  if sanitized "$@"; then
    ((++passed))
  else
    tail -n 100 "$results/$1-${2#./}.log"
    ((++failed))
  fi
}
for tool in memcheck racecheck initcheck synccheck; do
  if [[ -z $sanitizer ]]; then
    skip "$tool" "there is no compute-sanitizer here"
  elif ! sanitized "$tool" ./cuda_device; then
    skip "$tool" "this platform refuses it: $(tail -n 1 "$results/$tool-cuda_device.log")"
  else
    one "$tool" ./cuda_device_test --gtest_filter='-CudaLarge*'
    one "$tool" ./cuda_on_gpu_test --gtest_filter='Golden*/cuda*'
  fi
done

echo "cuda-device: $passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
