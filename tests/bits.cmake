# The core families, each run on every backend: the same bits, the contract's values, the order of sums, golden hashes, bounds,
# masks and fused calls, and calls drawn by lot.
# They are compiled once and linked twice: with the library, and with the one of emulated.cmake.
set(RECTIFY_BACKEND_FAMILIES bits contract sums bounds golden masks fused any_call)
if(NOT BUILD_SHARED_LIBS)  # these call inside the library; a shared one hides what they call
  list(APPEND RECTIFY_BACKEND_FAMILIES kernels streaming)
endif()

foreach(family IN LISTS RECTIFY_BACKEND_FAMILIES)
  add_library(${family}_cases OBJECT ${family}_test.cpp)
  target_link_libraries(${family}_cases PRIVATE rectify_compile_options GTest::gtest)
  target_include_directories(${family}_cases PRIVATE ${PROJECT_SOURCE_DIR})
  rectify_test_options(${family}_cases)
  target_compile_definitions(${family}_cases PRIVATE $<$<BOOL:${CMAKE_CROSSCOMPILING}>:RECTIFY_TESTS_EMULATED>)
  rectify_test(${family}_test $<TARGET_OBJECTS:${family}_cases>)
endforeach()
target_compile_definitions(golden_cases PRIVATE RECTIFY_GOLDEN_HASHES="${CMAKE_CURRENT_SOURCE_DIR}/golden_hashes.txt")
