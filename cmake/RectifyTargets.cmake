# What every source of the project is compiled with.
add_library(rectify_compile_options INTERFACE)
target_compile_features(rectify_compile_options INTERFACE cxx_std_20 c_std_11)
target_include_directories(rectify_compile_options INTERFACE ${PROJECT_SOURCE_DIR}/include)
# Contraction would turn a*b+c into another result; a fused multiply-add is written as one.
target_compile_options(rectify_compile_options INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:
  -ffp-contract=off -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wno-psabi
  $<$<BOOL:${RECTIFY_WARNINGS_AS_ERRORS}>:-Werror>>)

# The library's own objects: position-independent, nothing visible that the header does not declare.
function(rectify_library_object target)
  # For the build alone: users of the installed library do not inherit our warnings.
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:rectify_compile_options>)
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(BUILD_SHARED_LIBS)
    target_compile_definitions(${target} PRIVATE RECTIFY_SHARED)
  endif()
endfunction()
