// What a kernel moves per element: full-size arrays read and written. A kernel and its ceiling share one of these.
#pragma once

#include <stddef.h>

namespace roofline {

struct Traffic {
  int reads;
  int writes;
  bool in_place = false;  // the output is the input: one array, read and written

  constexpr bool operator==(const Traffic&) const = default;
  constexpr size_t arrays() const { return in_place ? 1 : static_cast<size_t>(reads + writes); }
  constexpr size_t accesses() const { return static_cast<size_t>(reads + writes); }  // to each element
};

inline constexpr Traffic traffics[] = {{1, 1}, {2, 1}, {2, 0}, {3, 1}, {3, 2}, {1, 1, true}};

constexpr const char* name(Traffic t) {
  if (t.in_place) return "in place";
  constexpr const char* names[4][3] = {
      {"", "", ""}, {"1R0W", "1R1W", "1R2W"}, {"2R0W", "2R1W", "2R2W"}, {"3R0W", "3R1W", "3R2W"}};
  return names[t.reads][t.writes];
}

}  // namespace roofline
