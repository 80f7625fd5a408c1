# The core families: the same bits on every backend, the contract's values, the order of sums, any
# task that the dispatcher could cut.
foreach(family IN ITEMS bits contract sums kernels)
  rectify_test(${family}_test ${family}_test.cpp)
endforeach()
