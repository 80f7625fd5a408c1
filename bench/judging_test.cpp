// Which bar meets which row, what counts as a miss, and the port bounds: on machines of other kinds than the one at hand.
// And that the arrays of all formats are comparable: their sizes, and what they hold.
// Ends with 1 and says so where one of them is not as it should be.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arena.hpp"
#include "operations.hpp"
#include "port_bound.hpp"
#include "rows.hpp"
#include "targets.hpp"

namespace roofline {
namespace {

int failures = 0;

void expect(bool truth, const std::string& what) {
  if (truth) return;
  ++failures;
  std::fprintf(stderr, "judging_test: not so: %s\n", what.c_str());
}

const Operation& operation(const char* wanted) {
  for (const Operation& o : operations())
    if (label(o) == wanted) return o;
  expect(false, std::string("there is an operation ") + wanted);
  return operations().front();
}

// A row as it comes out of a measurement: every figure the same.
Row row(const char* operation_label, const char* backend, Level level, rectify_shape shape = {1, 1, 1 << 20},
        double figure = 100) {
  return {.operation = &operation(operation_label),
          .backend = backend,
          .dispatched = true,
          .level = level,
          .threads = 1,
          .shape = shape,
          .image = std::nullopt,
          .ceiling = nullptr,
          .port_bound = {},
          .ghz = 3,
          .gbps = figure,
          .ns_per_element = figure,
          .cycles_per_element = figure,
          .percent_of_ceiling = figure,
          .percent_of_port_bound = figure,
          .times_dx = figure};
}

void expect_bar(const Row& row, Figure figure, double bar) {
  const Target* const found = target(row);
  const std::string what = row.name() + " is judged by " + name(figure) + " " + std::to_string(bar);
  expect(found && found->figure == figure && found->bar == bar, what);
}

void expect_only_shown(const Row& row) { expect(!target(row), row.name() + " is only shown"); }

void formats() {
  for (const char* format : {"f16", "bf16"}) {
    const auto in = [&](const char* map, Level level, const char* backend = "avx2") {
      return row((std::string(map) + "/" + format).c_str(), backend, level);
    };
    for (const char* map : {"relu/forward/flat", "relu/backward/flat"}) {
      expect_only_shown(in(map, Level::l1));
      for (const Level level : {Level::l2, Level::l3, Level::dram})
        expect_bar(in(map, level, "neon"), Figure::percent_of_ceiling, 90);
    }
    for (const char* map : {"leaky_relu/forward/flat", "leaky_relu/backward/flat", "prelu/forward/nhwc",
                            "prelu/backward/nchw", "prelu/backward/per_element"}) {
      expect_only_shown(in(map, Level::l1));
      expect_bar(in(map, Level::l2), Figure::percent_of_ceiling, 45);
      expect_bar(in(map, Level::l3, "avx512"), Figure::percent_of_ceiling, 55);
      expect_bar(in(map, Level::dram), Figure::percent_of_ceiling, 90);
    }
    expect_only_shown(in("elu/forward/flat", Level::l2));
    expect_only_shown(in("elu/forward/flat", Level::dram, "avx512"));
    expect_only_shown(in("elu/backward/flat", Level::dram));
    expect_only_shown(in("elu/backward_from_y/flat", Level::l2));
    expect_only_shown(in("leaky_relu/backward_with_parameter/flat", Level::l3));
  }
  for (const Level level : {Level::l1, Level::l2, Level::l3}) {
    expect_bar(row("elu/forward/flat/f16", "avx512", level), Figure::cycles_per_element, 0.8);
    expect_bar(row("elu/forward/flat/bf16", "avx512", level), Figure::cycles_per_element, 0.8);
    expect_bar(row("elu/forward/flat/f64", "avx512", level), Figure::cycles_per_element, 2.2);
    expect_only_shown(row("elu/forward/flat/f64", "avx2", level));
    expect_only_shown(row("relu/forward/flat/f64", "avx512", level));
  }
  for (const char* both :
       {"prelu/backward_with_parameter/flat/bf16", "prelu/backward_with_parameter/nchw/bf16",
        "prelu/backward_with_parameter/nchw/bf16/own slopes", "prelu/backward_with_parameter/nhwc/bf16"}) {
    expect_bar(row(both, "avx2", Level::l3), Figure::times_dx, 1.5);
    expect_bar(row(both, "avx512", Level::dram), Figure::times_dx, 1.2);
    expect_only_shown(row(both, "avx512", Level::l2));
  }
  for (const char* both : {"prelu/backward_with_parameter/nchw/f16", "prelu/backward_with_parameter/nchw/f64",
                           "prelu/backward_with_parameter/per_element/bf16"})
    expect_only_shown(row(both, "avx512", Level::l3));
}

// Arrays of every format fill the same room, in whole cache lines, so that one ceiling is above them all.
void sizes() {
  for (const size_t touched : {size_t{16} << 10, size_t{24} << 10, size_t{256} << 10, size_t{1280} << 10, size_t{8} << 20})
    for (const Operation& o : operations()) {
      const size_t room = array_bytes(o.traffic, touched), bytes = array_bytes(o, shape_of(o, elements(o, touched)));
      const std::string what = label(o) + " in " + std::to_string(room) + " bytes takes " + std::to_string(bytes);
      const bool whole = o.layout == Layout::flat || o.layout == Layout::per_element;
      expect(bytes % 64 == 0 && (whole ? bytes == room : bytes > room / 2 && bytes <= room + room / 4), what);
    }
}

// Every operation of f32 as it is usually called is there in the other formats.
void every_format() {
  for (const Operation& o : operations()) {
    if (o.format != Format::f32 || *o.variant) continue;
    for (const Format format : {Format::f16, Format::bf16, Format::f64}) {
      const Operation& same =
          operation((std::string(o.operation) + "/" + o.direction + "/" + name(o.layout) + "/" + name(format)).c_str());
      const bool own = same.slopes == format, f32_slopes = same.slopes == Format::f32;
      expect(o.layout == Layout::per_element || format == Format::f64 ? own : f32_slopes, label(same) + " has its slopes");
    }
  }
  for (const char* format : {"f16", "bf16"})
    for (const char* direction : {"forward", "backward", "backward_with_parameter"})
      operation((std::string("prelu/") + direction + "/nchw/" + format + "/own slopes").c_str());
}

// What the arena holds is a number in every format, and not denormal.
void numbers() {
  const Arena arena(1 << 20);
  const Streams streams = arena.place({3, 2}, 1 << 20);
  size_t negative = 0, bad = 0;
  for (const float* in : streams.in)
    for (size_t i = 0; i < streams.n; ++i) {
      double f64;
      std::memcpy(&f64, in + i / 2 * 2, sizeof f64);
      uint16_t words[2];
      std::memcpy(words, in + i, sizeof words);
      negative += in[i] < 0;
      bad += !std::isnormal(in[i]) || !std::isnormal(f64) || std::abs(in[i]) > 4 || std::abs(f64) > 512;
      for (const unsigned word : words) {
        const unsigned exponent = word >> 10 & 31, wide_exponent = word >> 7 & 255;
        bad += exponent == 0 || exponent == 31 || wide_exponent == 0 || wide_exponent == 255;
      }
    }
  expect(bad == 0, "no word of the arena is denormal, infinite or NaN");
  const double share = static_cast<double>(negative) / static_cast<double>(3 * streams.n);
  expect(share > 0.49 && share < 0.51, "half of the numbers are negative");
  for (size_t i = 0; i < Arena::small_count; ++i) {
    const auto bits = [&](Format format, auto read) {
      std::memcpy(&read, static_cast<const char*>(arena.slopes(format)) + i * sizeof read, sizeof read);
      return read;
    };
    const float slope = bits(Format::f32, 0.0f);
    const auto f32_bits = bits(Format::f32, uint32_t{0});
    expect(slope >= 0.25f && slope < 0.5f && bits(Format::f64, 0.0) == slope, "slopes are the same in f32 and f64");
    expect(bits(Format::bf16, uint16_t{0}) == f32_bits >> 16 && f32_bits % 65536 == 0, "slopes are the same in bf16");
    expect(bits(Format::f16, uint16_t{0}) == (f32_bits >> 13) - (uint32_t{112} << 10), "slopes are the same in f16");
  }
}

// No operation writes to what another one reads. With a mask's bits for slopes products were denormal, infinite or NaN, and
// AVX2 took twice as long.
void inputs_stay() {
  constexpr Traffic all = {3, 2};
  constexpr size_t large = 1 << 20, small = 1 << 12;  // the small ones begin early in their slots
  const Arena arena(large);
  const auto read = [&] {
    std::string bytes;
    for (const size_t size : {large, small})
      for (const float* in : arena.place(all, size).in) bytes.append(reinterpret_cast<const char*>(in), size);
    return bytes;
  };
  std::string before = read();
  for (const Operation& o : operations()) {
    const rectify_shape shape = shape_of(o, large / size(o.format));
    const Streams streams = arena.place(o.traffic, array_bytes(o, shape));
    expect(o.call(tensors(o, streams, arena), shape, nullptr) == RECTIFY_OK, label(o) + " runs");
    std::string after = read();
    expect(after == before, label(o) + " leaves what is read as it is");
    before = std::move(after);
  }
}

void bars() {
  for (const char* map :
       {"relu/forward/flat/f32", "relu/backward/flat/f32", "leaky_relu/backward/flat/f32", "prelu/forward/nhwc/f32",
        "prelu/backward/per_element/f32", "elu/backward_from_y/flat/f32", "relu/forward/flat/f32/in place"}) {
    expect_bar(row(map, "avx2", Level::l1), Figure::percent_of_ceiling, 80);
    for (const Level level : {Level::l2, Level::l3, Level::dram})
      expect_bar(row(map, "neon", level), Figure::percent_of_ceiling, 90);
  }
  for (const char* elu : {"elu/forward/flat/f32", "elu/forward/flat/f32/alpha 1.7", "elu/backward/flat/f32",
                          "elu/backward/flat/f32/alpha 1.7"})
    expect_bar(row(elu, "avx512", Level::dram), Figure::percent_of_ceiling, 90);
  for (const Level level : {Level::l1, Level::l2, Level::l3}) {
    expect_bar(row("elu/forward/flat/f32", "avx512", level), Figure::percent_of_port_bound, 85);
    expect_bar(row("elu/forward/flat/f32", "avx2", level), Figure::percent_of_port_bound, 60);
    expect_only_shown(row("elu/forward/flat/f32/alpha 1.7", "avx512", level));
    expect_only_shown(row("elu/backward/flat/f32", "avx2", level));
  }
  for (const Level level : {Level::l2, Level::l3}) {
    expect_bar(row("elu/backward/flat/f32", "avx512", level), Figure::cycles_per_element, 0.78);
    expect_bar(row("elu/backward/flat/f32/alpha 1.7", "avx512", level), Figure::cycles_per_element, 0.86);
  }

  const auto both = [](const char* layout, rectify_shape shape, Level level = Level::l2, const char* backend = "avx512") {
    return row((std::string("prelu/backward_with_parameter/") + layout + "/f32").c_str(), backend, level, shape);
  };
  expect_bar(both("flat", {1, 1, 1 << 20}, Level::dram), Figure::times_dx, 1.05);
  expect_bar(row("leaky_relu/backward_with_parameter/flat/f32", "avx512", Level::l3), Figure::times_dx, 1.05);
  expect_bar(both("nchw", {8, 3, 12544}), Figure::times_dx, 1.05);
  expect_bar(both("nchw", {8, 64, 784}), Figure::times_dx, 1.15);
  expect_bar(both("nchw", {8, 64, 196}), Figure::times_dx, 1.6);
  expect_bar(both("nchw", {8, 64, 49}), Figure::times_dx, 1.6);
  expect_bar(both("nhwc", {100, 1024, 1}), Figure::times_dx, 1.35);
  expect_bar(both("nhwc", {100, 512, 1}), Figure::times_dx, 1.1);
  expect_bar(both("nhwc", {100, 64, 1}), Figure::times_dx, 1.1);
  expect_bar(both("nhwc", {100, 63, 1}), Figure::times_dx, 1.35);
  expect_bar(both("nhwc", {100, 16, 1}), Figure::times_dx, 1.35);
  expect_bar(both("nhwc", {100, 3, 1}), Figure::times_dx, 2);
  expect_only_shown(both("nchw", {8, 64, 784}, Level::l1));
  expect_only_shown(both("nchw", {8, 64, 784}, Level::l2, "avx2"));
  expect_only_shown(row("elu/backward_with_parameter/flat/f32", "avx512", Level::l2));
  for (const Level level : {Level::l2, Level::l3, Level::dram}) {
    expect_only_shown(row("prelu/backward_of_parameter/nchw/f32/without dx", "avx512", level));
    expect_only_shown(row("relu/backward_from_mask/nhwc/f32/with dbias", "avx512", level));
    expect_only_shown(row("prelu/backward_from_mask/nchw/f32/with dslope", "avx512", level));
  }
  expect_only_shown(row("relu/forward/flat/f32/y off 16 B", "avx512", Level::dram));
  expect_only_shown(row("relu/forward/flat/f32", "scalar", Level::l2));

  formats();

  Row bound_by_memory = row("elu/forward/flat/f32", "avx512", Level::l3);
  bound_by_memory.percent_of_port_bound = 0;
  expect_only_shown(bound_by_memory);

  Row other = row("relu/forward/flat/f32", "avx512", Level::l2);
  other.dispatched = false;
  expect_only_shown(other);
  other.dispatched = true;
  other.threads = 2;
  expect_only_shown(other);
}

void misses() {
  const auto map = [](double percent) { return row("relu/forward/flat/f32", "avx2", Level::l2, {1, 1, 1 << 13}, percent); };
  expect(misses_target(map(89.9)) && !misses_target(map(90)), "a map misses its target below 90 %");
  expect(closer_to_target(map(80), map(70)) && !closer_to_target(map(70), map(80)), "more percent is closer");
  const auto both = [](double times) {
    return row("prelu/backward_with_parameter/nchw/f32", "avx512", Level::l2, {1, 41, 784}, times);
  };
  expect(misses_target(both(1.16)) && !misses_target(both(1.15)), "both gradients miss their target above 1.15");
  expect(closer_to_target(both(1.2), both(1.3)), "fewer times dx are closer");

  const SmallCall quick = {&operation("relu/forward/flat/f32"), {1, 1, 16}, 24, 4},
                  slow = {quick.operation, quick.shape, 25, 4};
  const std::vector<Judgement> found = judge({map(100), map(80), map(99)}, {quick, slow}, {});
  expect(found.size() == 3, "maps, their mean and the calls are judged");
  if (found.size() != 3) return;
  expect(found[0].judged == 3 && found[0].misses.size() == 1 && found[0].worst == 80, "one of three maps misses");
  expect(found[1].target.figure == Figure::mean_percent_of_ceiling && std::abs(found[1].worst - 93) < 1e-9,
         "their mean is 93");
  expect(found[1].misses.size() == 1, "a mean of 93 misses 95");
  expect(found[2].judged == 2 && found[2].misses.size() == 1 && found[2].worst == 21,
         "21 ns above the kernel are too many");
}

// The bounds as they follow from the published pipes: scripts/port-bounds finds the same in the assembly.
void port_bounds() {
  const auto machine = [](const char* isa, size_t lanes, double per_cycle, double most_per_cycle,
                          std::initializer_list<Other> sharing, double widen, double narrow) {
    Fused fused = {isa, lanes, per_cycle, 0, {}, {}, nullptr};
    fused.others_per_cycle.fill(most_per_cycle);
    for (const Other kind : sharing) {
      fused.places[static_cast<size_t>(kind)] = 1;
      fused.others_per_cycle[static_cast<size_t>(kind)] = per_cycle;
    }
    fused.others_per_cycle[static_cast<size_t>(Other::widen_half)] = widen;
    fused.others_per_cycle[static_cast<size_t>(Other::narrow_half)] = narrow;
    return fused;
  };
  using enum Other;
  const Fused zen3 = machine("avx2", 8, 2, 4, {select, narrow_half}, 2, 1),
              zen4 = machine("avx512", 16, 1, 2, {compare, narrow_half}, 1, 0.5),
              intel =
                  machine("avx512", 16, 2, 2,
                          {add, maximum, compare, select, integer_minimum, shift, integer, widen_half, narrow_half}, 1, 1);
  const auto expect_bound = [](const char* operation_label, const Fused& fused, double cycles) {
    const double found = port_bound(operation(operation_label).arithmetic(), fused.isa, {fused}).cycles;
    expect(std::abs(found - cycles) < 1e-9, std::string(operation_label) + " takes " + std::to_string(cycles) +
                                                " cycles on " + fused.isa + ", not " + std::to_string(found));
  };
  for (const Fused& zen : {zen3, zen4}) {
    expect_bound("elu/forward/flat/f32", zen, 0.5);
    expect_bound("elu/forward/flat/f32/alpha 0.7", zen, 0.5);
  }
  expect_bound("elu/backward/flat/f32", zen3, 0.75);
  expect_bound("elu/backward/flat/f32/alpha 1.7", zen3, 0.8125);
  expect_bound("elu/backward/flat/f32", zen4, 0.6875);
  expect_bound("elu/backward/flat/f32/alpha 1.7", zen4, 0.75);
  expect_bound("elu/forward/flat/f32", intel, 14.0 / 32);

  expect_bound("relu/forward/flat/f16", zen3, 1 / 4.0 / 16);         // a comparison of 16 patterns
  expect_bound("leaky_relu/forward/flat/f16", zen3, 2 / 2.0 / 8);    // to round, and a product
  expect_bound("leaky_relu/backward/flat/f16", zen3, 3 / 2.0 / 8);   // the same, and a select
  expect_bound("leaky_relu/backward/flat/f16", zen4, 3 / 1.0 / 16);  // the same, and the comparison for the select
  const Fused slow = machine("avx512", 16, 1, 2, {compare}, 0.25, 0.25);
  expect_bound("leaky_relu/backward/flat/f16", slow, 2 / 0.25 / 16);  // widening twice takes longest
  expect_bound("leaky_relu/forward/flat/bf16", zen3, 7 / 4.0 / 8);    // 1 to widen, 4 to round (2 and 8 of a pair), and two
  expect_bound("leaky_relu/forward/flat/bf16", zen4, 7 / 2.0 / 16);
  expect_bound("elu/forward/flat/f16", zen3, 9 / 2.0 / 8);
  expect_bound("elu/forward/flat/bf16", zen3, 19 / 4.0 / 8);
  expect_bound("elu/forward/flat/f64", zen3, 11 / 2.0 / 4);
  expect_bound("elu/forward/flat/f64", zen4, 11 / 1.0 / 8);
  expect_bound("elu/backward/flat/f64", zen4, 14 / 1.0 / 8);
}

}  // namespace
}  // namespace roofline

int main() {
  roofline::bars();
  roofline::every_format();
  roofline::sizes();
  roofline::numbers();
  roofline::inputs_stay();
  roofline::misses();
  roofline::port_bounds();
  return roofline::failures ? 1 : 0;
}
