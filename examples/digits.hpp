// The handwritten digits of data/README.md.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

struct Digits {
  static constexpr std::size_t side = 8;
  static constexpr std::size_t pixels = side * side;

  std::size_t count() const { return labels.size(); }

  std::vector<float> images;  // count() x side x side, each pixel in steps of 1/16 from 0 to 1
  std::vector<int> labels;    // 0 to 9
};

// The digits of a gzip-compressed file with 64 pixels and a label on each line; nothing if it cannot be read as such.
std::optional<Digits> read_digits(const char* path);
