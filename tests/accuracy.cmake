# ELU's error bounds against MPFR, which computes the exact values.
find_path(MPFR_INCLUDE_DIR mpfr.h)
find_path(GMP_INCLUDE_DIR gmp.h)
find_library(MPFR_LIBRARY mpfr)
find_library(GMP_LIBRARY gmp)
if(NOT (MPFR_INCLUDE_DIR AND GMP_INCLUDE_DIR AND MPFR_LIBRARY AND GMP_LIBRARY))
  message(FATAL_ERROR "The accuracy tests need MPFR and GMP for the target machine (Debian: libmpfr-dev libgmp-dev)")
endif()

rectify_test(accuracy_test accuracy_test.cpp)
target_include_directories(accuracy_test SYSTEM PRIVATE ${MPFR_INCLUDE_DIR} ${GMP_INCLUDE_DIR})
target_link_libraries(accuracy_test PRIVATE ${MPFR_LIBRARY} ${GMP_LIBRARY})
