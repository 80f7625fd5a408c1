#!/bin/bash
# objects_test.sh CHECK ARGUMENT...: what the linker would see of the library. Instructions of one instruction set must not
# leave their object file: the linker keeps one copy of an inline function, whoever compiled it, and a constructor runs
# before anyone has asked what the CPU can do. NM, READELF and OBJDUMP are the tools of the target machine.
set -euo pipefail
directory=$(cd "$(dirname "$0")" && pwd)

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

for tool in "$NM" "$READELF" "$OBJDUMP"; do
  command -v "$tool" >/dev/null || fail "The tool '$tool' is missing (Debian: binutils)."
done

# The tables of kernels that a backend NAME has, one for each line of RECTIFY_FORMATS.
tables() {
  local formats
  formats=$(sed -nE 's/^ *X\(([a-z0-9_]+), .*/\1/p' "$directory/../kernels/formats.hpp")
  [[ $formats ]] || fail "kernels/formats.hpp lists no formats."
  sed "s/^/$1_/" <<<"$formats"
}

# backend NAME FILE...: the objects of one backend. Together they define each of its tables once, and the backend.
backend() {
  local name=$1 file defined='' expected
  shift
  (($#)) || fail "The backend $name has no object."
  for file; do
    [[ -s $file ]] || fail "The object $file is missing."
    exports_tables_alone "$name" "$file"
    borrows_little "$name" "$file"
    runs_nothing_by_itself "$file"
    defined+=$(defines "$file")$'\n'
    echo "$file:" $(defines "$file")
  done
  expected=${name}_backend
  if [[ $name != scalar ]]; then expected+=$'\n'$(tables "$name"); fi
  diff <(grep -v '^$' <<<"$defined" | LC_ALL=C sort) <(LC_ALL=C sort <<<"$expected") ||
    fail "The objects of $name should define what stands on the right, each once."
}

# What other objects can see, without the namespace.
defines() { "$NM" --extern-only --defined-only --demangle "$1" | sed -nE 's/^[0-9a-f]+ [DR] rectify::([a-z0-9_]+)$/\1/p'; }

exports_tables_alone() {
  local symbols others
  symbols=$("$NM" --extern-only --defined-only --demangle "$2")
  others=$(grep -vxE "[0-9a-f]+ [DR] rectify::($(tables "$1" | paste -sd '|')|$1_backend)|" <<<"$symbols" || true)
  [[ $symbols && ! $others ]] ||
    fail "$2 must define tables of $1, constant, and nothing else that another object can see. It defines:" "$symbols"
}

# The object that defines the backend borrows its tables.
borrows_little() {
  local allowed='memcpy|memmove|memset|memcmp|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_' foreign
  if [[ $1 == scalar ]]; then allowed+='|fmaf?'; fi
  if [[ $(defines "$2") == "$1_backend" ]]; then allowed+="|rectify::($(tables "$1" | paste -sd '|'))"; fi
  foreign=$("$NM" --undefined-only --demangle "$2" | awk 'NF { print $NF }' | grep -vxE "$allowed" || true)
  [[ -z $foreign ]] || fail "$2 needs code from elsewhere, which may be another instruction set's:" "$foreign"
}

runs_nothing_by_itself() {
  local sections
  sections=$("$READELF" --sections --wide "$1")
  ! grep -E '\.(init_array|preinit_array|fini_array|ctors|dtors|init|fini)\b' <<<"$sections" ||
    fail "$1 has code that runs by itself, whatever the CPU."
}

# fences LIBRARY: a plain release store orders ordinary stores only, so whoever runs tasks, which store past the caches,
# fences them before it says that they are done. What runs tasks sets the floating-point environment for them.
fences() {
  local unfenced
  unfenced=$("$OBJDUMP" --disassemble --no-show-raw-insn "$1" | awk '
    function finish() { if (runs && !fences) print name; tasks += runs; runs = fences = 0 }
    /^[^ ].*: +file format / { finish(); here = /^parallel\.cpp/ }
    /^[0-9a-f]+ <.*>:$/ { finish(); name = $2 }
    here && $2 == "ldmxcsr" { runs = 1 }
    $2 == "sfence" { fences = 1 }
    END { finish(); if (tasks < 2) print "less than two functions that run tasks" }')
  [[ -z $unfenced ]] || fail "$1: tasks without an sfence after them in" "$unfenced"
}

# short_ways LIBRARY: the short way of a public function is not compiled as what seldom runs: there GCC clears memory by a
# string instruction, which begins late.
short_ways() {
  local found
  found=$("$OBJDUMP" --disassemble --no-show-raw-insn "$1" | awk '
    /^[0-9a-f]+ <.*>:$/ { here = $2 ~ /^<rectify_/; functions += here; name = $2 }
    here && $2 == "rep" { print name, $2, $3 }
    END { if (functions < 18) print "less than 18 public functions" }')
  [[ -z $found ]] || fail "$1: string instructions in" "$found"
}

# configuration BUILD NAME...: the backends' objects of another build folder.
configuration() {
  local build=$1 name files
  shift
  for name; do
    mapfile -t files < <(find "$build/kernels/CMakeFiles/rectify_$name.dir" -name '*.o')
    backend "$name" "${files[@]}"
  done
}

reviewed() { grep -v '^$' "$directory/exported_symbols.txt"; }

# The reviewed list names what the header declares.
header() {
  diff <(grep -oE '^RECTIFY_API .*' "$1" | grep -oE '\brectify_[a-z0-9_]+\(' | tr -d '(' | LC_ALL=C sort) <(reviewed) ||
    fail "The header declares other functions than exported_symbols.txt (both sorted)."
}

# archive LIBRARY: the reviewed functions, and otherwise nothing outside the namespace; weak copies of what oneTBB defines in
# its headers and of the C++ runtime's are any C++ object's.
archive() {
  local strong
  [[ -s $1 ]] || fail "$1 is missing."
  strong=$("$NM" --extern-only --defined-only "$1" | awk 'NF == 3 && $2 !~ /[VWu]/ { print $3 }')
  diff <(grep -vE '^_ZNK?7rectify' <<<"$strong" | LC_ALL=C sort) <(reviewed) ||
    fail "$1 defines other functions than exported_symbols.txt."
}

small() {
  local bytes
  bytes=$(stat -c %s "$1")
  echo "$1: $bytes bytes"
  ((bytes < 2000000)) || fail "It should stay under 2 MB."
}

# shared LIBRARY: exactly the reviewed functions are visible.
shared() {
  [[ -s $1 ]] || fail "$1 is missing."
  diff <("$NM" --dynamic --defined-only "$1" | awk 'NF { print $NF }' | LC_ALL=C sort) <(reviewed) ||
    fail "$1 shows other symbols than exported_symbols.txt."
}

# without_tbb FILE...: libraries and programs that oneTBB has no part in.
without_tbb() {
  local file used
  for file; do
    [[ -s $file ]] || fail "$file is missing."
    used=$("$NM" --undefined-only "$file" && "$READELF" --dynamic "$file")
    ! grep -E 'libtbb|N3tbb' <<<"$used" || fail "$file uses oneTBB."
  done
}

# includes KERNELS: the sources of the kernels include nothing that brings functions along; the scalar backend, which is
# compiled like everything else, may use the C library's headers. Intrinsics come in with the vectors, f32.hpp and f64.hpp.
includes() {
  local kernels=$1 line file what sources=0
  while IFS= read -r -d '' file; do
    ((++sources))
    while IFS= read -r line; do
      what=$(sed -E 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*//; s/[[:space:]]*(\/\/.*)?$//' <<<"$line")
      case ${file#"$kernels"/}:$what in
        *:'<stdint.h>' | *:'<stddef.h>') ;;
        avx2/f??.hpp:'<immintrin.h>' | avx512/f??.hpp:'<immintrin.h>' | neon/f??.hpp:'<arm_neon.h>') ;;
        scalar/*:'<math.h>' | scalar/*:'<cstdint>' | scalar/*:'<cstring>') ;;
        *:\"*\")
          what=$(realpath -m "$(dirname "$file")/$(tr -d '"' <<<"$what")")
          [[ $what == "$kernels"/* && -f $what ]] || fail "$file includes $what, which is not a kernel's header."
          ;;
        *) fail "$file must not include $what." ;;
      esac
    done < <(grep -E '^[[:space:]]*#[[:space:]]*include' "$file")
  done < <(find "$kernels" \( -name '*.hpp' -o -name '*.cpp' \) -print0)
  ((sources > 0)) || fail "There are no sources in $kernels."
}

"$@"
