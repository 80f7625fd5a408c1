#!/bin/bash
# ptx_test.sh FILE: whether nvcc left the arithmetic of the CUDA kernels as it is written. What a GPU would compute is not
# run here; PTX with the roundings spelled out (.rn) is what ptxas may neither contract nor reorder.
set -euo pipefail

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

ptx=$1
[[ -s $ptx ]] || fail "$ptx is missing."

# Every floating-point instruction is one of the vocabulary's, rounded to nearest where it rounds. So no min, max, approx, ftz,
# div, mad, no mul that may be fused, no other format; and no access by which the output could not be the input (.nc).
instructions=$(awk '/^[[:space:]]*(@!?%p[0-9]+[[:space:]]+)?[a-z]+[0-9a-z_.:]*[[:space:]]/ {
  sub(/^[[:space:]]*(@!?%p[0-9]+[[:space:]]+)?/, ""); print $1 }' "$ptx" | grep -v '^\.' | tr -d ';' | sort | uniq -c)
allowed='(fma|add|sub|mul)\.rn\.f32|setp\.(lt|le|gt|ge|ltu|leu|gtu|geu)\.f32|selp\.f32|mov\.f32'
allowed+='|(ld|st)\.(global|local|shared|param)(\.v4)?\.f32'
foreign=$(awk '$2 ~ /\.(f16|f16x2|bf16|bf16x2|tf32|f32|f32x2|f64)(\.|$)|\.ftz|\.approx|\.nc(\.|$)|^atom|^red/' <<<"$instructions" |
  grep -vE "^ *[0-9]+ ($allowed)$" || true)
[[ -z $foreign ]] || fail "$ptx: instructions that are not of the vocabulary, and how often:" "$foreign"

# Each kernel does per element what its formula says, no more and no less: comparisons, fma, mul, sub, add. `+`: and the
# additions of the sums. Accesses of 16 bytes are whole: a kernel of pieces (Access 0) has as many as its walk says for each
# of its inputs.
awk '
  function expect(operation, outputs, setp, fma, mul, sub_, add, more) {
    key = operation SUBSEP outputs
    per_setp[key] = setp; per_fma[key] = fma; per_mul[key] = mul; per_sub[key] = sub_; per_add[key] = add; sums[key] = more
  }
  BEGIN {
    elements = 0; only_sums = 1; both = 2
    expect("ReluForward", elements, 1, 0, 0, 0, 0)
    expect("ReluBackward", elements, 1, 0, 0, 0, 0)
    expect("PreluForward", elements, 1, 0, 1, 0, 0)
    expect("PreluBackward", elements, 1, 0, 1, 0, 0)
    expect("PreluBackward", only_sums, 1, 1, 0, 0, 0, "+")
    expect("PreluBackward", both, 2, 1, 1, 0, 0, "+")
    expect("EluForward", elements, 1, 7, 2, 2, 1)
    expect("EluBackward", elements, 1, 8, 4, 1, 1)
    expect("EluBackward", only_sums, 1, 8, 1, 2, 1, "+")
    expect("EluBackward", both, 2, 16, 5, 3, 2, "+")
    expect("EluBackwardFromY", elements, 1, 0, 1, 0, 1)
  }
  function wrong(what) { print kernel ": " what; failures++ }
  function finish(   key, n) {
    if (kernel == "") return
    kernels++
    if (kernel ~ /10fold_nodesE/) {
      if (count["fma"] + count["mul"] + count["sub"] + count["setp"] > 0 || count["add"] == 0) wrong("a fold only adds")
      return
    }
    if (!match(kernel, /[0-9]+(Relu|Prelu|Elu)[A-Za-z]*E/)) return wrong("the kernel of which operation?")
    operation = substr(kernel, RSTART, RLENGTH - 1); sub(/^[0-9]+/, "", operation)
    match(kernel, /OutputsE[0-9]/); outputs = substr(kernel, RSTART + 8, 1)
    key = operation SUBSEP outputs
    if (!(key in per_setp)) return wrong("an operation without an expectation here")
    seen[key] = 1
    n = count["setp"] / per_setp[key]
    if (n == 0 || n != int(n)) wrong(count["setp"] + 0 " comparisons")
    if (count["fma"] != per_fma[key] * n) wrong(count["fma"] + 0 " fma for " n " elements")
    if (count["mul"] != per_mul[key] * n) wrong(count["mul"] + 0 " mul for " n " elements")
    if (count["sub"] != per_sub[key] * n) wrong(count["sub"] + 0 " sub for " n " elements")
    if (sums[key] == "" ? count["add"] != per_add[key] * n : count["add"] <= per_add[key] * n) {
      wrong(count["add"] + 0 " add for " n " elements")
    }
    inputs = operation ~ /Backward/ ? 2 : 1
    if (kernel ~ /AccessE0/) {
      pieces = count["ld.v4"] / inputs
      if (pieces < 4 || pieces != int(pieces)) wrong(count["ld.v4"] + 0 " loads of 16 bytes")
      if (outputs != only_sums && count["st.v4"] != pieces) wrong(count["st.v4"] + 0 " stores of 16 bytes for " pieces)
      pieces_seen[key] = 1
    } else if (kernel !~ /AccessE1/) {
      wrong("how does it access memory?")
    }
  }
  /\.entry / {
    finish()
    split("", count)
    kernel = $0; sub(/.*\.entry /, "", kernel); sub(/\(.*/, "", kernel)
  }
  {
    instruction = $1 ~ /^@/ ? $2 : $1
    if (instruction ~ /^(fma|mul|add|sub)\..*f32|^setp\..*f32/) { sub(/\..*/, "", instruction); count[instruction]++ }
    else if (instruction ~ /^(ld|st)\.global\.v4\.f32/) count[substr(instruction, 1, 2) ".v4"]++
  }
  END {
    finish()
    for (key in per_setp) if (!(key in seen) || !(key in pieces_seen)) {
      split(key, part, SUBSEP); print "no kernel for " part[1] ", outputs " part[2]; failures++
    }
    print kernels " kernels, " failures + 0 " failures"
    exit failures > 0
  }' "$ptx" || fail "$ptx: not the operations as they are written."
