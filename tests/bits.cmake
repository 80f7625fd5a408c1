# The core families: the same bits on every backend, the contract's values, the order of sums, the golden hashes, bounds.
rectify_test(bits_test bits_test.cpp)
rectify_test(contract_test contract_test.cpp)
rectify_test(sums_test sums_test.cpp)
