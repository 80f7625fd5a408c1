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

# compute-sanitizer finds what such a case does wrong in any size.
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null || true)
for tool in memcheck racecheck initcheck synccheck; do
  log=$results/$tool.log
  if [[ -z $sanitizer ]]; then
    echo "$tool skipped: there is no compute-sanitizer here"
    ((++skipped))
    continue
  fi
  if ! "$sanitizer" --tool "$tool" --error-exitcode 1 ./cuda_device &>"$log"; then
    echo "$tool skipped: this platform refuses it: $(tail -n 1 "$log")"
    ((++skipped))
    continue
  fi
  for program in "cuda_device_test --gtest_filter=CudaGraph*:*TheDefaultStreamServes*" \
    "cuda_on_gpu_test --gtest_filter=Golden*/cuda*"; do
    echo "$tool ${program%% *}"
    # shellcheck disable=SC2086 # a program and its filter
    if "$sanitizer" --tool "$tool" --error-exitcode 1 ./$program &>"$log"; then
      ((++passed))
    else
      tail -n 100 "$log"
      ((++failed))
    fi
  done
done

echo "cuda-device: $passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
