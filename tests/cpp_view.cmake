# The C++ view gives what the C ABI gives.
rectify_test(cpp_view_test cpp_view_test.cpp)

# A status that is dropped draws a warning, and that is the only thing the compiler says.
add_test(NAME CppViewStatus.MayNotBeDropped
  COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -I${PROJECT_SOURCE_DIR}/include
    ${CMAKE_CURRENT_SOURCE_DIR}/drops_a_status.cpp)
set_tests_properties(CppViewStatus.MayNotBeDropped PROPERTIES
  PASS_REGULAR_EXPRESSION "nodiscard" FAIL_REGULAR_EXPRESSION "error")
