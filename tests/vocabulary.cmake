# Every instruction set's vector operations, each compiled with the flags of its backend, against plain C++.

# An object library of the operations of kernels/<backend>/vector.hpp; what else it takes to compile them is the caller's.
function(vocabulary_operations target backend)
  add_library(${target} OBJECT vocabulary/operations.cpp)
  target_link_libraries(${target} PRIVATE rectify_compile_options)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE
    RECTIFY_VOCABULARY_HEADER="kernels/${backend}/vector.hpp"
    RECTIFY_VOCABULARY_TABLE=vocabulary_${backend}
    RECTIFY_VOCABULARY_BACKEND="${backend}")
endfunction()

rectify_test(vocabulary_test vocabulary/vocabulary_test.cpp)
foreach(backend IN LISTS RECTIFY_BACKENDS)
  if(NOT EXISTS ${PROJECT_SOURCE_DIR}/kernels/${backend}/vector.hpp)
    continue()  # plain C++
  endif()
  vocabulary_operations(vocabulary_${backend} ${backend})
  target_compile_options(vocabulary_${backend} PRIVATE $<TARGET_PROPERTY:rectify_${backend},COMPILE_OPTIONS>
    -Wno-uninitialized)  # g++ 12 warns of its own _mm512_undefined_*, which hold no value on purpose
  string(TOUPPER ${backend} upper)
  target_sources(vocabulary_test PRIVATE $<TARGET_OBJECTS:vocabulary_${backend}>)
  target_compile_definitions(vocabulary_test PRIVATE RECTIFY_VOCABULARY_${upper})
endforeach()

# What the vocabulary could use and does not.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  rectify_test(bfloat_instruction_test vocabulary/bfloat_instruction_test.cpp)
endif()
