# The C++ view gives what the C ABI gives.
rectify_test(cpp_view_test cpp_view_test.cpp)

# A status that is dropped draws a warning, and that is the only thing the compiler says.
set(show_compiler ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -I${PROJECT_SOURCE_DIR}/include)
add_test(NAME CppViewStatus.MayNotBeDropped COMMAND ${show_compiler} ${CMAKE_CURRENT_SOURCE_DIR}/drops_a_status.cpp)
set_tests_properties(CppViewStatus.MayNotBeDropped PROPERTIES
  PASS_REGULAR_EXPRESSION "nodiscard" FAIL_REGULAR_EXPRESSION "error")

# Arguments that do not fit together do not compile, and the compiler names what does not hold. What does fit compiles.
set(reason_of_1 same_number_format)
set(reason_of_2 same_number_format)
set(reason_of_3 same_number_format)
set(reason_of_4 slopes_for)
set(reason_of_5 slopes_for)
set(reason_of_6 slopes_for)
set(reason_of_7 same_number_format)
set(reason_of_8 writable)
set(reason_of_9 writable)
set(reason_of_10 "(cannot convert|no known conversion)")
set(reason_of_11 "[^_]tensor")
set(reason_of_12 sizeof)
set(reason_of_13 "(cannot convert|no known conversion|could not convert)")
# A fused call has so many constraints that the compiler lists their names whatever fails.
set(unmet "(satisfaction of|because) [^ ]*")
set(reason_of_14 "${unmet}one_parameter_format")
set(reason_of_15 "${unmet}parameter_gradient_of")
set(reason_of_16 "${unmet}(optional_input_like|same_number_format)")
set(reason_of_17 "${unmet}(optional_slopes_for|slopes_for)")
set(reason_of_18 "(${unmet}|does not satisfy .)activation")
foreach(wrong RANGE 18)
  set(name CppViewTensors.MustFit${wrong})
  add_test(NAME ${name} COMMAND ${show_compiler} -DWRONG=${wrong} ${CMAKE_CURRENT_SOURCE_DIR}/does_not_fit.cpp)
  if(wrong)
    set_tests_properties(${name} PROPERTIES PASS_REGULAR_EXPRESSION "error:.*${reason_of_${wrong}}")
  endif()
endforeach()
