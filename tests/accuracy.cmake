# ELU's error bounds, and all that 16-bit formats round, against MPFR, which computes the exact values.
find_path(MPFR_INCLUDE_DIR mpfr.h)
find_path(GMP_INCLUDE_DIR gmp.h)
find_library(MPFR_LIBRARY mpfr)
find_library(GMP_LIBRARY gmp)
if(NOT (MPFR_INCLUDE_DIR AND GMP_INCLUDE_DIR AND MPFR_LIBRARY AND GMP_LIBRARY))
  message(FATAL_ERROR "The accuracy tests need MPFR and GMP for the target machine (Debian: libmpfr-dev libgmp-dev)")
endif()

foreach(test IN ITEMS accuracy_test sixteen_bit_test)
  rectify_test(${test} ${test}.cpp)
  target_include_directories(${test} SYSTEM PRIVATE ${MPFR_INCLUDE_DIR} ${GMP_INCLUDE_DIR})
  target_link_libraries(${test} PRIVATE ${MPFR_LIBRARY} ${GMP_LIBRARY})
endforeach()
