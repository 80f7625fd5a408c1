# The core families: the same bits on every backend, the contract's values, the order of sums.
foreach(family IN ITEMS bits contract sums)
  rectify_test(${family}_test ${family}_test.cpp)
endforeach()
