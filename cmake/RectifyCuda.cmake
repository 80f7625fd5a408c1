# Where there is an nvcc, the CUDA language is enabled, RECTIFY_CUDA_IS_BUILT is set, and RECTIFY_CUDA_ARCHITECTURES is complete.
if(RECTIFY_CUDA STREQUAL "OFF")
  return()
endif()

# Found by itself; CMAKE_CUDA_COMPILER, CUDACXX, CUDA_PATH or CUDAToolkit_ROOT say where.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(RECTIFY_NVCC nvcc HINTS ${CUDAToolkit_ROOT}/bin $ENV{CUDAToolkit_ROOT}/bin $ENV{CUDA_PATH}/bin
    /usr/local/cuda/bin /opt/cuda/bin)
  mark_as_advanced(RECTIFY_NVCC)
  if(RECTIFY_NVCC)
    set(CMAKE_CUDA_COMPILER ${RECTIFY_NVCC})
  endif()
endif()
if(RECTIFY_CUDA STREQUAL "AUTO")
  if(CMAKE_CUDA_COMPILER OR DEFINED ENV{CUDACXX})
    include(CheckLanguage)
    set(level ${CMAKE_MESSAGE_LOG_LEVEL})
    set(CMAKE_MESSAGE_LOG_LEVEL WARNING)
    check_language(CUDA)
    set(CMAKE_MESSAGE_LOG_LEVEL ${level})
  endif()
  if(NOT CMAKE_CUDA_COMPILER)
    message(STATUS "rectify: no nvcc that works here; librectify_cuda is left out")
    return()
  endif()
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
set(RECTIFY_CUDA_IS_BUILT ON)

# ---- What is built for ----

# Code for the usual GPUs from Turing on, PTX of the newest for what comes and of the oldest for those between (sm_87, sm_110).
# Without the ones that this nvcc does not know.
if(NOT RECTIFY_CUDA_ARCHITECTURES)
  execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-code OUTPUT_VARIABLE known COMMAND_ERROR_IS_FATAL ANY)
  foreach(architecture IN ITEMS 75 80 86 89 90 100 120)
    if(known MATCHES "sm_${architecture}\n")
      list(APPEND RECTIFY_CUDA_ARCHITECTURES ${architecture}-real)
    endif()
  endforeach()
  list(TRANSFORM RECTIFY_CUDA_ARCHITECTURES REPLACE "-real$" "" AT 0 -1)
endif()
list(JOIN RECTIFY_CUDA_ARCHITECTURES " " architectures)
message(STATUS "rectify: librectify_cuda is built by nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${architectures}")
