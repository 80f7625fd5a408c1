# The library as a whole: threads, environment, dispatch, arguments, and what the linker sees of it.

# ---- Threads and environment ----

rectify_test(threads_test threads_test.cpp)
rectify_test(environment_test environment_test.cpp)
if(RECTIFY_TBB)
  find_package(TBB REQUIRED)
  foreach(test IN ITEMS threads_test environment_test)
    target_link_libraries(${test} PRIVATE TBB::tbb)
    target_compile_definitions(${test} PRIVATE RECTIFY_TESTS_TBB)
  endforeach()
endif()

# ---- Dispatch ----

rectify_test(dispatch_test dispatch_test.cpp)

# RECTIFY_ISA is read once per process, so each value has processes of its own.
foreach(value IN ITEMS "" scalar avx2 avx512 neon avx2,scalar scalar,avx2 avx512,avx2 neon,scalar
                       nonsense scalar,nonsense nonsense,scalar AVX2 "scalar," "," " scalar")
  string(MAKE_C_IDENTIFIER "${value}" list)
  gtest_discover_tests(dispatch_test TEST_PREFIX "RECTIFY_ISA=[${value}]." TEST_LIST dispatch_${list} DISCOVERY_TIMEOUT 60
    TEST_FILTER Dispatch.*Offer*:Dispatch.*Chooses*
    PROPERTIES ENVIRONMENT "RECTIFY_ISA=${value}")
endforeach()

# What the scripts need to know.
set(system_environment "NM=${CMAKE_NM}" "READELF=${CMAKE_READELF}" "OBJDUMP=${CMAKE_OBJDUMP}" "SANITIZED="
    "EMULATOR=$<JOIN:${CMAKE_CROSSCOMPILING_EMULATOR}, >")
if("${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize")
  list(TRANSFORM system_environment REPLACE "^SANITIZED=" "SANITIZED=1")
endif()

# A script's check as a test.
function(script_test name script)
  add_test(NAME ${name} COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${ARGN} COMMAND_EXPAND_LISTS)
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${system_environment}" SKIP_RETURN_CODE 77)
endfunction()

# These look into the library; a shared one hides what they look for.
if(NOT BUILD_SHARED_LIBS)
  rectify_test(kernels_reached_test kernels_reached_test.cpp)
  list(GET RECTIFY_BACKENDS -1 a_vector_backend)
  script_test(dispatch.require dispatch_test.sh require $<TARGET_FILE:kernels_reached_test> ${a_vector_backend})

  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    find_program(RECTIFY_QEMU_X86_64 NAMES qemu-x86_64-static qemu-x86_64)
    list(APPEND system_environment "QEMU=$<$<BOOL:${RECTIFY_QEMU_X86_64}>:${RECTIFY_QEMU_X86_64}>")
    script_test(dispatch.on_nehalem dispatch_test.sh on_cpu Nehalem scalar
      $<TARGET_FILE:dispatch_test> Dispatch.* $<TARGET_FILE:kernels_reached_test> */scalar
      $<TARGET_FILE:contract_test> */f32/scalar:*OneSlope/*/scalar)
    script_test(dispatch.on_haswell dispatch_test.sh on_cpu Haswell avx2
      $<TARGET_FILE:dispatch_test> Dispatch.* $<TARGET_FILE:kernels_reached_test> */avx2
      $<TARGET_FILE:contract_test> */f32/avx2:*OneSlope/*/avx2 $<TARGET_FILE:bits_test> *SpecialValues/*/f32/avx2)
    # AVX2 alone is not enough, nor is a CPU whose operating system does not save the registers.
    foreach(missing IN ITEMS avx avx2 fma f16c xsave)
      script_test(dispatch.on_haswell_without_${missing} dispatch_test.sh on_cpu Haswell,-${missing} scalar
        $<TARGET_FILE:dispatch_test> Dispatch.*)
    endforeach()
  endif()
endif()

# ---- Arguments and the C ABI ----

rectify_test(arguments_test support/arguments.cpp arguments_test.cpp fused_arguments_test.cpp aliasing_test.cpp
  empty_test.cpp out_of_memory_test.cpp abi_test.cpp)

# What the header declares, as a list that a C program can go through.
set(header ${PROJECT_SOURCE_DIR}/include/rectify/rectify.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
file(STRINGS ${header} declarations REGEX "^RECTIFY_API ")
list(TRANSFORM declarations REPLACE ".*[ *](rectify_[a-z0-9_]+)\\(.*" "RECTIFY_DECLARED(\\1)\n")
list(JOIN declarations "" declarations)
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/declared_functions.inc CONTENT "${declarations}")

add_executable(c_abi_test c_abi_test.c)
target_link_libraries(c_abi_test PRIVATE rectify rectify_compile_options)
target_include_directories(c_abi_test PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_compile_options(c_abi_test PRIVATE -Wstrict-prototypes)
set_target_properties(c_abi_test PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
add_test(NAME c_abi COMMAND c_abi_test)

# ---- What the linker sees ----

script_test(objects.includes objects_test.sh includes ${PROJECT_SOURCE_DIR}/kernels)
script_test(objects.header objects_test.sh header ${header})

# Another configuration of this project, made by the same compilers, as a test. It takes longest and others wait for it: it
# begins first.
function(other_build name build)
  cmake_parse_arguments(PARSE_ARGV 2 other "" "" "TARGETS;OPTIONS")
  set(targets "")
  foreach(target IN LISTS other_TARGETS)
    list(APPEND targets --build-target ${target})
  endforeach()
  add_test(NAME ${name} COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${PROJECT_SOURCE_DIR} ${build} ${targets}
    --build-generator ${CMAKE_GENERATOR} --build-noclean --build-options
    -DCMAKE_C_COMPILER=${CMAKE_C_COMPILER} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
    "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_TOOLCHAIN_FILE}" -DRECTIFY_WARNINGS_AS_ERRORS=${RECTIFY_WARNINGS_AS_ERRORS} -DRECTIFY_CUDA=OFF
    ${other_OPTIONS})
  set_tests_properties(${name} PROPERTIES PROCESSORS 2 COST 1000)
endfunction()

# The backends' objects, Debug and Release: those of this build, and those of the other configuration, which is built shared
# and without oneTBB, as users may. A build with sanitizers is neither, and has two others.
set(configurations Debug Release)
if(CMAKE_BUILD_TYPE IN_LIST configurations AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  list(REMOVE_ITEM configurations ${CMAKE_BUILD_TYPE})
  foreach(backend IN LISTS RECTIFY_BACKENDS)
    script_test(objects.${CMAKE_BUILD_TYPE}.${backend} objects_test.sh backend ${backend} $<TARGET_OBJECTS:rectify_${backend}>)
  endforeach()
  if(NOT BUILD_SHARED_LIBS)
    script_test(objects.${CMAKE_BUILD_TYPE}.archive objects_test.sh archive $<TARGET_FILE:rectify>)
  endif()
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT BUILD_SHARED_LIBS)
  script_test(objects.small objects_test.sh small $<TARGET_FILE:rectify>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    script_test(objects.fences objects_test.sh fences $<TARGET_FILE:rectify>)
    script_test(objects.short_ways objects_test.sh short_ways $<TARGET_FILE:rectify>)
  endif()
endif()

# What runs without oneTBB is no different on another architecture: in an emulator the library is built alone.
set(programs golden_test threads_test c_abi_test)
if(CMAKE_CROSSCOMPILING)
  set(programs "")
endif()
foreach(configuration IN LISTS configurations)
  set(build ${CMAKE_CURRENT_BINARY_DIR}/shared_without_tbb_${configuration})
  other_build(without_tbb.${configuration} ${build} TARGETS rectify ${programs} OPTIONS
    -DCMAKE_BUILD_TYPE=${configuration} -DBUILD_SHARED_LIBS=ON -DRECTIFY_TBB=OFF -DRECTIFY_BUILD_TESTS=ON)
  set_tests_properties(without_tbb.${configuration} PROPERTIES FIXTURES_SETUP without_tbb)
  script_test(objects.${configuration} objects_test.sh configuration ${build} ${RECTIFY_BACKENDS})
  set_tests_properties(objects.${configuration} PROPERTIES FIXTURES_REQUIRED without_tbb)
endforeach()

# ---- Shared, and without oneTBB ----

# Of the last of these builds, whatever its configuration.
set(RECTIFY_SHARED_WITHOUT_TBB ${build})
list(TRANSFORM programs PREPEND ${build}/tests/ OUTPUT_VARIABLE files)
script_test(without_tbb.symbols objects_test.sh shared ${build}/dispatch/librectify.so)
script_test(without_tbb.libraries objects_test.sh without_tbb ${build}/dispatch/librectify.so ${files})
# One format and one order: without oneTBB there is nothing else to run the tasks, and the kernels are those of this build.
set(filter Golden*f32*:ThreadsOfACallback.InWhateverOrder/f32/*:ThreadsOfACallback.IsNotCalled*/f32/*:ThreadLimit.*)
foreach(program IN LISTS programs)
  add_test(NAME without_tbb.${program} COMMAND ${build}/tests/${program} --gtest_filter=${filter})
  set_tests_properties(without_tbb.${program} PROPERTIES FAIL_REGULAR_EXPRESSION "Running 0 tests")
endforeach()
foreach(test IN ITEMS symbols libraries ${programs})
  set_tests_properties(without_tbb.${test} PROPERTIES FIXTURES_REQUIRED without_tbb)
endforeach()
