# The core families: the same bits on every backend, the contract's values, the order of sums, any
# task that the dispatcher could cut.
foreach(family IN ITEMS bits contract sums kernels bounds golden)
  rectify_test(${family}_test ${family}_test.cpp)
endforeach()
target_compile_definitions(golden_test PRIVATE RECTIFY_GOLDEN_HASHES="${CMAKE_CURRENT_SOURCE_DIR}/golden_hashes.txt")
