#!/bin/bash
# installed_test.sh KIND STEP: one step of the tests of installed.cmake, which sets the variables in capitals.
# KIND is this_build, or shared_without_tbb, which another test has built. 77: the step cannot run here, and says why.
set -euo pipefail

kind=$1
step=$2
sources=$(cd "$(dirname "$0")/.." && pwd)
work=$WORK/$kind
prefix=$work/prefix
libraries=$prefix/$LIBDIR
read -ra emulator <<<"$EMULATOR"

fail() {
  printf '%s\n' "$@" >&2
  exit 1
}

# configure SOURCE BUILD OPTION...: with the compiler and flags of the build that is tested.
configure() {
  "$CMAKE" -S "$1" -B "$2" -G "$GENERATOR" -DCMAKE_BUILD_TYPE="$BUILD_TYPE" \
    -DCMAKE_C_COMPILER="$C_COMPILER" -DCMAKE_CXX_COMPILER="$CXX_COMPILER" \
    -DCMAKE_C_FLAGS="$C_FLAGS" -DCMAKE_CXX_FLAGS="$CXX_FLAGS" ${TOOLCHAIN:+-DCMAKE_TOOLCHAIN_FILE="$TOOLCHAIN"} "${@:3}"
}

# configure, for a user of the installed library. Where programs are built for another machine, CMake looks only below its
# roots: the prefix is one.
configure_user() { configure "$@" -DCMAKE_PREFIX_PATH="$prefix" ${TOOLCHAIN:+-DCMAKE_FIND_ROOT_PATH="$prefix"}; }

is_shared() { [[ -e $libraries/librectify.so ]]; }

# What prelu_layer prints after the line that names the backend.
check_prelu_layer() {
  local output
  output=$("${emulator[@]}" "$1")
  printf '%s\n' "$output"
  [[ $(head -n 1 <<<"$output") == "rectify 0.1."?*" on "[a-z]* ]] || fail "The first line should name version and backend."
  diff <(tail -n +2 <<<"$output") - <<'END'
y       -1 -0.75 -0.5 -0.25 1 2 3 4 -2 1 -2 1 8 -2 8 -2 2 1 2 4 -1 -0.5 0.25 0.5
dx      -0.25 -0.1875 -0.125 -0.0625 1 2 3 4 -4 1 -4 1 8 -0.5 8 -0.5 -2 1 2 4 -2 -1 0.25 0.5
dslope  39.5 -4 4.625
f32 with bf16 slopes: these number formats (dtype, slope_dtype) are not computed together
END
}

# ---- The steps

# Installs into one place and moves everything to another.
install() {
  local build=$BUILD first=$work/first
  rm -rf "$work"
  mkdir -p "$work"
  if [[ $kind == shared_without_tbb ]]; then build=$BUILD_SHARED; fi
  "$CMAKE" --install "$build" --prefix "$first"
  mv "$first" "$prefix"

  local file
  for file in include/rectify/rectify.{h,hpp} "$LIBDIR"/{pkgconfig/rectify.pc,cmake/rectify/rectifyConfig{,Version}.cmake}; do
    [[ -f $prefix/$file ]] || fail "$file was not installed."
  done
  ! grep -rIl -e "$first" -e "$build" "$prefix" || fail "These files name a place that is not theirs any more."
  if [[ $kind == shared_without_tbb ]]; then check_shared_library; fi
}

# Soname, dependencies, and nothing visible but what the header declares.
check_shared_library() {
  local library=$libraries/librectify.so
  "$READELF" -d "$library" | grep -F 'Library soname: [librectify.so.0]' || fail "The soname is another one."
  ! "$READELF" -d "$library" | grep -E 'NEEDED.*tbb' || fail "It needs oneTBB, which RECTIFY_TBB=OFF turned off."
  diff <(grep -o '^RECTIFY_API.*' "$prefix/include/rectify/rectify.h" | grep -o 'rectify_[a-z_]*(' | tr -d '(' | sort) \
    <("$NM" -D --defined-only "$library" | awk '{ print $NF }' | sort) || fail "The visible symbols are not the header's."
}

# The examples by find_package.
find_package() {
  local build=$work/examples
  rm -rf "$build"
  configure_user "$sources/examples" "$build"
  "$CMAKE" --build "$build" --parallel 2
}

prelu_layer() { check_prelu_layer "$work/examples/prelu_layer"; }

# The program checks itself; and what it learns has the same digits on every machine and compiler.
prelu_bf16() {
  "${emulator[@]}" "$work/examples/prelu_bf16" | tee "$work/prelu_bf16.txt"
  diff "$work/prelu_bf16.txt" - <<'END'
slope 0   0.10001  of  0.10
slope 1  -0.49908  of -0.50
slope 2   0.74909  of  0.75
slope 3   2.00085  of  2.00
END
}

# The program checks itself; and what it learns has the same bits on every machine and compiler.
train_slopes() {
  local learned=0fe2cd80f6723adf
  "${emulator[@]}" "$work/examples/train_slopes" | tee "$work/train_slopes.txt"
  grep -q '^  hash ' "$work/train_slopes.txt" || fail "No backend learned anything."
  ! grep '^  hash ' "$work/train_slopes.txt" | grep -v " $learned\$" || fail "$learned was expected."
}

c_project() {
  local build=$work/c_project
  rm -rf "$build"
  configure_user "$sources/tests/installed" "$build"
  "$CMAKE" --build "$build"
  check_prelu_layer "$build/prelu_layer"
}

# A C program, its compiler, and what pkg-config says: the one way of those who do not use CMake.
pkg_config() {
  if ! command -v pkg-config >/dev/null; then
    echo "Skipped: pkg-config is not here (Debian: pkg-config)."
    exit 77
  fi
  export PKG_CONFIG_PATH=$libraries/pkgconfig
  if [[ $SYSROOT ]]; then
    # The other machine's packages and none of this one's; its system folders are the compiler's own.
    export PKG_CONFIG_LIBDIR=$SYSROOT/usr/lib/$LIBRARY_ARCHITECTURE/pkgconfig
    export PKG_CONFIG_SYSTEM_LIBRARY_PATH=/usr/lib/$LIBRARY_ARCHITECTURE
  fi
  local flags linking=--static
  if is_shared; then linking=; fi
  read -ra flags <<<"$(pkg-config --cflags --libs $linking rectify)"
  echo "pkg-config: ${flags[*]}"
  read -ra c_flags <<<"$C_FLAGS"
  if is_shared; then flags+=("-Wl,-rpath,$libraries"); fi
  "$C_COMPILER" ${SYSROOT:+--sysroot="$SYSROOT"} "${c_flags[@]}" "$sources/examples/prelu_layer.c" "${flags[@]}" \
    -o "$work/prelu_layer_by_pkg_config"
  check_prelu_layer "$work/prelu_layer_by_pkg_config"
}

"$step"
