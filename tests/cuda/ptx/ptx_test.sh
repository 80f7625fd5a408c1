#!/bin/bash
# ptx_test.sh FORMAT FILE: whether nvcc left the arithmetic of the CUDA kernels as it is written. What a GPU would compute is not
# run here; PTX with the roundings spelled out (.rn) is what ptxas may neither contract nor reorder.
set -euo pipefail

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

format=$1 ptx=$2
[[ -s $ptx ]] || fail "$ptx is missing."
type=f32 # in which the format is computed
[[ $format != f64 ]] || type=f64

# Every floating-point instruction is one of the vocabulary's, rounded to nearest where it rounds. So no min, approx, ftz, mad,
# no max but that of -inf and a value, which is the select written in prelu::minus_magnitude() for every value, NaN included,
# no mul that may be fused, no other type; no conversion but those of 16-bit formats; and no access by which the output could
# not be the input (.nc).
instructions=$(awk '/^[[:space:]]*(@!?%p[0-9]+[[:space:]]+)?[a-z]+[0-9a-z_.:]*[[:space:]]/ {
  sub(/^[[:space:]]*(@!?%p[0-9]+[[:space:]]+)?/, "")
  if ($0 !~ /^max\.f(32|64) .*, (0fFF800000|0dFFF0000000000000);/) print $1 }' "$ptx" | grep -v '^\.' | tr -d ';' | sort | uniq -c)
allowed="(fma|add|sub|mul|div)\.rn\.$type|setp\.(lt|le|gt|ge|ltu|leu|gtu|geu|nan|num)\.$type|selp\.$type|mov\.$type"
allowed+="|(ld|st)\.(global|local|shared|param)(\.v[24])?\.$type"
[[ $format != f16 ]] || allowed+='|cvt\.f32\.f16|cvt\.rn\.f16(x2)?\.f32'
[[ $format != bf16 ]] || allowed+='|cvt\.rn\.bf16x2\.f32'
foreign=$(awk '$2 ~ /\.(f16|f16x2|bf16|bf16x2|tf32|f32|f32x2|f64)(\.|$)|\.ftz|\.approx|\.nc(\.|$)|^atom|^red/' <<<"$instructions" |
  grep -vE "^ *[0-9]+ ($allowed)$" || true)
[[ -z $foreign ]] || fail "$ptx: instructions that are not of the vocabulary, and how often:" "$foreign"

# Each kernel does per element what its formula says, no more and no less: comparisons, fma, mul, sub, add, for each result
# and for each part of a sum, whose own additions come on top. Results of 16 bits are converted, from sm_80 on those of a
# piece two at a time; on older ones bf16 is rounded in integers, where a NaN is asked for. Accesses of 16 bytes are whole: a
# kernel of pieces (Access 0) has as many as its walk says for each of its inputs.
awk -v format="$format" -v type="$type" '
  function expect(operation, output, setp, fma, mul, sub_, add,   key) {
    key = operation SUBSEP output
    per[key, "setp"] = setp; per[key, "fma"] = fma; per[key, "mul"] = mul; per[key, "sub"] = sub_; per[key, "add"] = add
    expected[key] = 1
  }
  BEGIN {
    elements = 0; only_sums = 1; both = 2
    narrow = format ~ /16/
    expect("ReluForward", elements, 1, 0, 0, 0, 0)
    expect("ReluBackward", elements, 1, 0, 0, 0, 0)
    expect("PreluForward", elements, 1, 0, 1, 0, 0)
    expect("PreluBackward", elements, 1, 0, 1, 0, 0)
    expect("PreluBackward", only_sums, 1, 1, 0, 0, 0)
    expect("EluBackwardFromY", elements, 1, 0, 1, 0, 1)
    if (type == "f32") {
      expect("EluForward", elements, 1, 7, 2, 2, 1)
      expect("EluBackward", elements, 1, 8, 4, 1, 1)
      expect("EluBackward", only_sums, 1, 8, 1, 2, 1)
    } else {
      expect("EluForward", elements, 1, 10, 2, 3, 2)
      expect("EluBackward", elements, 1, 11, 4, 2, 2)
      expect("EluBackward", only_sums, 1, 11, 1, 3, 2)
    }
    split("fma mul sub add", names); for (i in names) arithmetic[names[i]] = 1
    split("Relu Prelu Elu", names)
    for (i in names) {
      fused_expected["fused", names[i] "Forward", elements] = 1
      fused_expected["fused", names[i] "Backward", elements] = fused_expected["fused", names[i] "Backward", both] = 1
    }
    expected["PreluBackward", both] = expected["EluBackward", both] = 1
  }
  function wrong(what) { print kernel ": " what; failures++ }
  function written(instruction) {
    return per[operation, elements, instruction] * results + per[operation, only_sums, instruction] * added
  }
  # For each element the activation, and of a backward the two products that make of a mask and y what stands for x. nvcc
  # may copy a formula for what is there and what is not, whole, twice at most; sums it does not copy. Bias and residual
  # are two additions more, and sums have their own.
  function finish_fused(   pieces, width, products, sums, times, instruction, want, copies, questions) {
    seen["fused", operation, outputs] = 1
    pieces = kernel ~ /map_rows/ ? 3 : 2  # two at a time; of rows a last one is left
    width = pieces * (format == "f64" ? 2 : narrow ? 8 : 4)
    products = operation ~ /Backward/ ? 2 : 0
    sums = outputs == both && operation !~ /Relu/ ? width : 0
    if (products + per[operation, elements, "mul"] == 0) {
      times = width
    } else {
      times = (count["mul"] - per[operation, only_sums, "mul"] * sums) / (products + per[operation, elements, "mul"])
      if (times != int(times) || times < width || times > 3 * width) wrong("the formula " times " times for " width " elements")
    }
    for (instruction in arithmetic) {
      want = per[operation, elements, instruction] * times + per[operation, only_sums, instruction] * sums
      if (instruction == "mul") want += products * times
      # Copied as formulas are.
      copies = instruction == "add" ? 2 * width : 0
      want += copies
      if (count[instruction] < want || (count[instruction] > want + copies && !(copies && outputs == both))) {
        wrong(count[instruction] + 0 " " instruction " for " times " times the formula, " want " wanted")
      }
    }
    # x is compared, and once more where a mask may be written, or stands for x. ReLU forward does nothing that would tell
    # how often it was copied.
    questions = (operation ~ /Backward/ || kernel ~ /map_fused/ ? 2 : 1) * times
    if (count["setp"] < questions + sums || count["setp"] > (operation == "ReluForward" ? 3 : 2) * questions + sums) {
      wrong(count["setp"] + 0 " comparisons for " width " elements")
    }
    inputs = operation ~ /Backward/ ? 3 : 2
    if (count["ld.v4"] != pieces * inputs || count["st.v4"] != pieces) wrong(count["ld.v4"] + 0 " loads of 16 bytes")
    if (count["st.u8"] != (kernel ~ /map_fused/ && inputs == 2 ? pieces : 0)) wrong(count["st.u8"] + 0 " bytes of a mask")
  }
  function finish(   key) {
    if (kernel == "") return
    kernels++
    if (kernel ~ /10fold_nodesI/) {
      # And divides once, by what prelu::over_magnitude() makes of a slope.
      if (count["fma"] + count["sub"] > 0 || count["add"] == 0) wrong("a fold only adds")
      if (count["div"] != 1 || count["mul"] != 3 || count["setp"] != 1) wrong("and divides once")
      return
    }
    if (count["div"] > 0) wrong("only a fold divides")
    if (!match(kernel, /[0-9]+(Relu|Prelu|Elu)[A-Za-z]*E/)) return wrong("the kernel of which operation?")
    operation = substr(kernel, RSTART, RLENGTH - 1); sub(/^[0-9]+/, "", operation)
    match(kernel, /OutputsE[0-9]/); outputs = substr(kernel, RSTART + 8, 1)
    if (kernel ~ /FusedOperation/) return finish_fused()
    key = operation SUBSEP outputs
    if (!(key in expected)) return wrong("an operation without an expectation here")
    seen[key] = 1
    # Each compares once. nvcc leaves a result out that it knows not to be stored; it does not know that a conversion of 0 is 0.
    results = outputs == elements ? count["setp"] : outputs == only_sums ? 0 : int(count["setp"] / 2)
    added = count["setp"] - results
    if (added - results == 1 && outputs == both && format != "f16") wrong(count["setp"] " comparisons")
    if (results + added == 0) wrong("no comparisons")
    for (instruction in arithmetic) {
      excess = count[instruction] - written(instruction)
      if (excess < 0 || (excess > 0) != (instruction == "add" && outputs != elements)) {
        wrong(count[instruction] + 0 " " instruction " for " results " results and " added " parts of a sum")
      }
    }
    # Of the +0 that ReLU selects a few do, or none.
    if (narrow) {
      conversions = architecture < 80 ? results : results - 4 * count["st.v4"]
      in_integers = format == "bf16" && architecture < 80 ? conversions : 0
      narrowed = count["narrowed"] + count["nan"]
      if (narrowed > conversions || (narrowed < conversions && operation !~ /^Relu/)) {
        wrong(narrowed " conversions for " results " results")
      }
      if (count["nan"] > in_integers) wrong(count["nan"] " questions for NaN")
    }
    inputs = operation ~ /Backward/ ? 2 : 1
    if (format == "f16" && count["widened"] < (operation == "ReluBackward" ? 1 : inputs) * results) {
      wrong(count["widened"] + 0 " conversions from f16")
    }
    if (kernel ~ /AccessE0/) {
      pieces = count["ld.v4"] / inputs
      if (pieces < 4 || pieces != int(pieces)) wrong(count["ld.v4"] + 0 " loads of 16 bytes")
      if (outputs != only_sums && count["st.v4"] != pieces) wrong(count["st.v4"] + 0 " stores of 16 bytes for " pieces)
      pieces_seen[key] = 1
    } else if (kernel !~ /AccessE1/) {
      wrong("how does it access memory?")
    }
  }
  /^\.target / { architecture = $2; gsub(/[^0-9]/, "", architecture); architecture += 0 }
  /\.entry / {
    finish()
    split("", count)
    kernel = $0; sub(/.*\.entry /, "", kernel); sub(/\(.*/, "", kernel)
  }
  {
    instruction = $1 ~ /^@/ ? $2 : $1
    if (instruction ~ "^setp\\.(nan|num)\\." type) count["nan"]++
    else if (instruction ~ "^(fma|mul|add|sub|div|setp)\\..*" type) { sub(/\..*/, "", instruction); count[instruction]++ }
    else if (instruction == "cvt.f32.f16") count["widened"]++
    else if (instruction ~ /^cvt\.rn\.b?f16(x2)?\.f32/) count["narrowed"]++
    else if (instruction == "st.global.u8") count["st.u8"]++
    else if (instruction ~ /^(ld|st)\.global\.v4\.u32/) count[substr(instruction, 1, 2) ".v4"]++
  }
  END {
    finish()
    for (key in expected) if (!(key in seen) || !(key in pieces_seen)) {
      split(key, part, SUBSEP); print "no kernel for " part[1] ", outputs " part[2]; failures++
    }
    for (key in fused_expected) if (!(key in seen)) { print "no fused kernel " key; failures++ }
    print kernels " kernels, " failures + 0 " failures"
    exit failures > 0
  }' "$ptx" || fail "$ptx: not the operations as they are written."
