#include "digits.hpp"

#include <zlib.h>

#include <cstdlib>
#include <string>

namespace {

std::optional<std::string> decompress(const char* path) {
  const gzFile file = gzopen(path, "rb");
  if (file == nullptr) return std::nullopt;
  std::string text;
  char block[1 << 14];
  int length;
  while ((length = gzread(file, block, sizeof block)) > 0) text.append(block, static_cast<std::size_t>(length));
  // gzclose also says when the file ended in the middle of its compressed data.
  const bool complete = gzclose(file) == Z_OK && length == 0;
  return complete ? std::optional(text) : std::nullopt;
}

}  // namespace

std::optional<Digits> read_digits(const char* path) {
  const std::optional<std::string> text = decompress(path);
  if (!text) return std::nullopt;
  Digits digits;
  const char* next = text->c_str();
  while (*next != '\0') {
    for (std::size_t column = 0; column <= Digits::pixels; ++column) {
      const bool label = column == Digits::pixels;
      char* end;
      const long value = std::strtol(next, &end, 10);
      if (end == next || *end != (label ? '\n' : ',') || value < 0 || value > (label ? 9 : 16)) return std::nullopt;
      if (label) {
        digits.labels.push_back(static_cast<int>(value));
      } else {
        digits.images.push_back(static_cast<float>(value) / 16);
      }
      next = end + 1;
    }
  }
  return digits;
}
