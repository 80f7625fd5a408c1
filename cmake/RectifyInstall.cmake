# `cmake --install`: headers, library, the CMake package `rectify` and a pkg-config file. All of it may be moved afterwards:
# no file holds the prefix.
include(CMakePackageConfigHelpers)

install(TARGETS rectify EXPORT rectifyTargets)
install(FILES include/rectify/rectify.h include/rectify/rectify.hpp DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rectify)
if(RECTIFY_CUDA_IS_BUILT)
  install(TARGETS rectify_cuda EXPORT rectifyCudaTargets)
  install(FILES include/rectify/rectify_cuda.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/rectify)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# ---- find_package(rectify): rectify::rectify, and with COMPONENTS cuda rectify::cuda

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/rectify)
install(EXPORT rectifyTargets NAMESPACE rectify:: DESTINATION ${package_dir})
if(RECTIFY_CUDA_IS_BUILT)
  install(EXPORT rectifyCudaTargets NAMESPACE rectify:: DESTINATION ${package_dir})
endif()

# A shared library has its dependencies inside; a static one asks its user to link them: oneTBB, and what a C++ compiler
# links by itself and a C compiler does not.
get_target_property(library_type rectify TYPE)
set(needs_tbb OFF)
set(cxx_runtime "")
if(library_type STREQUAL "STATIC_LIBRARY")
  set(needs_tbb ${RECTIFY_TBB})
  foreach(library stdc++ c++ m)
    if(library IN_LIST CMAKE_CXX_IMPLICIT_LINK_LIBRARIES)
      list(APPEND cxx_runtime ${library})
    endif()
  endforeach()
endif()

configure_package_config_file(cmake/rectifyConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/rectifyConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break callers.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/rectifyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rectifyConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/rectifyConfigVersion.cmake
  DESTINATION ${package_dir})

# ---- pkg-config

set(pkgconfig_requires "")
if(needs_tbb)
  set(pkgconfig_requires tbb)
endif()
list(TRANSFORM cxx_runtime PREPEND -l OUTPUT_VARIABLE pkgconfig_libs)
list(JOIN pkgconfig_libs " " pkgconfig_libs)
file(RELATIVE_PATH pkgconfig_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pkgconfig_prefix "${pkgconfig_prefix}")
configure_file(cmake/rectify.pc.in ${CMAKE_CURRENT_BINARY_DIR}/rectify.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/rectify.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
