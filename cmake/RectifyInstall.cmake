# `cmake --install`: header, library, a CMake package and a pkg-config file.
