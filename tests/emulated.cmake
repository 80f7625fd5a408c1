# The AVX-512 sources on a CPU that has AVX2 alone: a second build of the library in which SIMDe computes the intrinsics of
# kernels/avx512/, so that its bits are proved on machines that cannot run them. What it cannot show is speed, and the
# real instructions; where those run, the ordinary suite proves more, and this one is left out.
set(RECTIFY_EMULATE_AVX512 AUTO CACHE STRING "Test the AVX-512 sources with SIMDe: ON, OFF, AUTO (where this CPU has no AVX-512)")
set(emulate ${RECTIFY_EMULATE_AVX512})
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(emulate OFF)
elseif(emulate STREQUAL "AUTO")
  include(CheckCXXSourceRuns)
  check_cxx_source_runs([[
    int main() {
      return !(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"));
    }]] RECTIFY_RUNS_AVX512)
  if(RECTIFY_RUNS_AVX512 AND "avx512" IN_LIST RECTIFY_BACKENDS)
    set(emulate OFF)
  else()
    set(emulate ON)
  endif()
endif()

if(emulate)
  find_path(SIMDE_INCLUDE_DIR simde/x86/avx512.h REQUIRED)  # Debian: libsimde-dev

  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/kernels/avx512/*.cpp)
  add_library(rectify_emulated_avx512 OBJECT ${sources})
  rectify_library_object(rectify_emulated_avx512)
  vocabulary_operations(vocabulary_emulated_avx512 avx512)
  foreach(target IN ITEMS rectify_emulated_avx512 vocabulary_emulated_avx512)
    target_include_directories(${target} SYSTEM BEFORE PRIVATE emulated/include)
    target_include_directories(${target} SYSTEM PRIVATE ${SIMDE_INCLUDE_DIR})
    target_compile_options(${target} PRIVATE -mavx2 -mfma -mf16c -O1)
    target_compile_definitions(${target} PRIVATE RECTIFY_CALLS)  # SIMDe's operations are long: inlined they compile for minutes
  endforeach()

  set(sources ${RECTIFY_DISPATCH_SOURCES})
  list(FILTER sources EXCLUDE REGEX "cpu_features.cpp$")
  add_library(rectify_emulated STATIC ${sources} emulated/features.cpp
    $<TARGET_OBJECTS:rectify_emulated_avx512> $<TARGET_OBJECTS:rectify_scalar>)
  rectify_library_object(rectify_emulated)
  target_include_directories(rectify_emulated PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(rectify_emulated PRIVATE RECTIFY_BACKEND_AVX512)
  if(RECTIFY_TBB)
    target_link_libraries(rectify_emulated PRIVATE TBB::tbb)
    target_compile_definitions(rectify_emulated PRIVATE RECTIFY_TBB)
  endif()

  # The core families and the vector operations, in one program.
  add_executable(emulated_test emulated/effort.cpp vocabulary/vocabulary_test.cpp $<TARGET_OBJECTS:vocabulary_emulated_avx512>)
  target_compile_definitions(emulated_test PRIVATE RECTIFY_VOCABULARY_AVX512)
  foreach(family IN LISTS RECTIFY_BACKEND_FAMILIES)
    target_sources(emulated_test PRIVATE $<TARGET_OBJECTS:${family}_cases>)
  endforeach()
  target_link_libraries(emulated_test PRIVATE
    rectify_emulated rectify_compile_options GTest::gtest_main Threads::Threads)
  target_include_directories(emulated_test PRIVATE ${PROJECT_SOURCE_DIR})
  rectify_test_options(emulated_test)
  # Which stores a call chooses does not depend on its format, and SIMDe takes minutes for arrays beyond the caches; that each
  # kernel streams what it should is the kernels' family's to see, in all formats.
  # What the environment asks of the library's backends is not meant for this one.
  gtest_discover_tests(emulated_test NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 TEST_PREFIX "emulated."
    TEST_FILTER "*avx512*-Streaming*/f16/*:Streaming*/bf16/*:Streaming*/f64/*:Streaming*_slopes/*"
    PROPERTIES ENVIRONMENT "RECTIFY_REQUIRE_ISA=" ENVIRONMENT_MODIFICATION "RECTIFY_ISA=unset:")
endif()
