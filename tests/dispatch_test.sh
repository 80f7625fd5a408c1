#!/bin/bash
# dispatch_test.sh CHECK ARGUMENT...: what a test program cannot see from inside. 77: it cannot run here, and the last line
# says why. EMULATOR runs the programs where they are another machine's.
set -euo pipefail
read -ra emulator <<<"${EMULATOR:-}"

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# run NAME=VALUE... PROGRAM ARGUMENT...: its output in $output, its exit status in $status.
run() {
  local settings=()
  while [[ $1 == *=* ]]; do
    settings+=("$1")
    shift
  done
  status=0
  output=$(env "${settings[@]}" "${emulator[@]}" "$@" 2>&1) || status=$?
}

says() { grep -qF -- "$1" <<<"$output"; }

# Every case ran and passed, and there was one.
expect_all_passed() {
  [[ $status == 0 ]] || fail "$output" "A case failed."
  ! says SKIPPED || fail "$output" "A case was skipped."
  grep -qE '^\[  PASSED  \] [1-9][0-9]* tests?\.' <<<"$output" || fail "$output" "No case ran."
}

# require PROGRAM BACKEND: the skip of a backend that cannot run becomes a failure when RECTIFY_REQUIRE_ISA names it. The
# backend is one that this machine may well have; RECTIFY_ISA takes it away.
require() {
  local program=$1 backend=$2 filter="--gtest_filter=KernelsReached.*/$2"
  run RECTIFY_ISA=scalar "$program" "$filter"
  [[ $status == 0 ]] && says "SKIPPED" && says "$backend: " || fail "$output" "This should have been a skip."
  run RECTIFY_ISA=scalar RECTIFY_REQUIRE_ISA="$backend" "$program" "$filter"
  [[ $status != 0 ]] && says "$backend is required by RECTIFY_REQUIRE_ISA" || fail "$output" "This should have failed."
  run RECTIFY_ISA=scalar RECTIFY_REQUIRE_ISA="scalar,$backend" "$program" "$filter"
  [[ $status != 0 ]] || fail "$output" "This should have failed: the second of two names is required."
  run RECTIFY_REQUIRE_ISA=nonsense "$program" "--gtest_filter=KernelsReached.*/scalar"
  [[ $status != 0 ]] && says "nonsense, which is not compiled in" || fail "$output" "This should have failed."
  run RECTIFY_REQUIRE_ISA=scalar "$program" "--gtest_filter=KernelsReached.*/scalar"
  expect_all_passed
}

# on_cpu MODEL BACKEND PROGRAM FILTER [PROGRAM FILTER]...: these cases on another CPU, where BACKEND must be chosen.
on_cpu() {
  local model=$1 backend=$2
  shift 2
  if [[ -z $QEMU ]]; then
    echo "qemu-x86_64-static is not here (Debian: qemu-user-static)"
    exit 77
  fi
  if [[ $SANITIZED ]]; then
    echo "sanitizers do not run under QEMU"
    exit 77
  fi
  emulator=("$QEMU" -cpu "$model")
  while (($#)); do
    run RECTIFY_TESTS_EXPECT_BACKEND="$backend" RECTIFY_REQUIRE_ISA="$backend" "$1" "--gtest_filter=$2"
    expect_all_passed
    grep -F 'PASSED' <<<"$output"
    shift 2
  done
}

"$@"
