// Which bar meets which row, what counts as a miss, and the port bounds: on machines of other kinds than the one at hand.
// Ends with 1 and says so where one of them is not as it should be.
#include <cmath>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

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

void bars() {
  for (const char* map : {"relu/forward/flat", "relu/backward/flat", "leaky_relu/backward/flat", "prelu/forward/nhwc",
                          "prelu/backward/per_element", "elu/backward_from_y/flat", "relu/forward/flat/in place"}) {
    expect_bar(row(map, "avx2", Level::l1), Figure::percent_of_ceiling, 80);
    for (const Level level : {Level::l2, Level::l3, Level::dram})
      expect_bar(row(map, "neon", level), Figure::percent_of_ceiling, 90);
  }
  for (const char* elu :
       {"elu/forward/flat", "elu/forward/flat/alpha 1.7", "elu/backward/flat", "elu/backward/flat/alpha 1.7"})
    expect_bar(row(elu, "avx512", Level::dram), Figure::percent_of_ceiling, 90);
  for (const Level level : {Level::l1, Level::l2, Level::l3}) {
    expect_bar(row("elu/forward/flat", "avx512", level), Figure::percent_of_port_bound, 85);
    expect_bar(row("elu/forward/flat", "avx2", level), Figure::percent_of_port_bound, 60);
    expect_only_shown(row("elu/forward/flat/alpha 1.7", "avx512", level));
    expect_only_shown(row("elu/backward/flat", "avx2", level));
  }
  for (const Level level : {Level::l2, Level::l3}) {
    expect_bar(row("elu/backward/flat", "avx512", level), Figure::cycles_per_element, 0.78);
    expect_bar(row("elu/backward/flat/alpha 1.7", "avx512", level), Figure::cycles_per_element, 0.86);
  }

  const auto both = [](const char* layout, rectify_shape shape, Level level = Level::l2, const char* backend = "avx512") {
    return row((std::string("prelu/backward_with_parameter/") + layout).c_str(), backend, level, shape);
  };
  expect_bar(both("flat", {1, 1, 1 << 20}, Level::dram), Figure::times_dx, 1.05);
  expect_bar(row("leaky_relu/backward_with_parameter/flat", "avx512", Level::l3), Figure::times_dx, 1.05);
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
  expect_only_shown(row("elu/backward_with_parameter/flat", "avx512", Level::l2));
  expect_only_shown(row("relu/forward/flat/y off 16 B", "avx512", Level::dram));
  expect_only_shown(row("relu/forward/flat", "scalar", Level::l2));

  Row other = row("relu/forward/flat", "avx512", Level::l2);
  other.dispatched = false;
  expect_only_shown(other);
  other.dispatched = true;
  other.threads = 2;
  expect_only_shown(other);
}

void misses() {
  const auto map = [](double percent) { return row("relu/forward/flat", "avx2", Level::l2, {1, 1, 1 << 13}, percent); };
  expect(misses_target(map(89.9)) && !misses_target(map(90)), "a map misses its target below 90 %");
  expect(closer_to_target(map(80), map(70)) && !closer_to_target(map(70), map(80)), "more percent is closer");
  const auto both = [](double times) {
    return row("prelu/backward_with_parameter/nchw", "avx512", Level::l2, {1, 41, 784}, times);
  };
  expect(misses_target(both(1.16)) && !misses_target(both(1.15)), "both gradients miss their target above 1.15");
  expect(closer_to_target(both(1.2), both(1.3)), "fewer times dx are closer");

  const SmallCall quick = {&operation("relu/forward/flat"), {1, 1, 16}, 24, 4},
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
  const auto machine = [](const char* isa, size_t lanes, double per_cycle, std::initializer_list<Other> sharing) {
    Fused fused = {isa, lanes, per_cycle, 0, {}, nullptr};
    for (const Other kind : sharing) fused.places[static_cast<size_t>(kind)] = 1;
    return fused;
  };
  const Fused zen3 = machine("avx2", 8, 2, {Other::select}), zen4 = machine("avx512", 16, 1, {Other::compare});
  const Fused intel = machine(
      "avx512", 16, 2, {Other::add, Other::maximum, Other::compare, Other::select, Other::integer_minimum, Other::shift});
  const auto expect_bound = [](const char* operation_label, const Fused& fused, double cycles) {
    const double found = port_bound(operation(operation_label).arithmetic, fused.isa, {fused}).cycles;
    expect(std::abs(found - cycles) < 1e-9, std::string(operation_label) + " takes " + std::to_string(cycles) +
                                                " cycles on " + fused.isa + ", not " + std::to_string(found));
  };
  for (const Fused& zen : {zen3, zen4}) {
    expect_bound("elu/forward/flat", zen, 0.5);
    expect_bound("elu/forward/flat/alpha 0.7", zen, 0.5625);
  }
  expect_bound("elu/backward/flat", zen3, 0.75);
  expect_bound("elu/backward/flat/alpha 1.7", zen3, 0.8125);
  expect_bound("elu/backward/flat", zen4, 0.6875);
  expect_bound("elu/backward/flat/alpha 1.7", zen4, 0.75);
  expect_bound("elu/forward/flat", intel, 14.0 / 32);
}

}  // namespace
}  // namespace roofline

int main() {
  roofline::bars();
  roofline::misses();
  roofline::port_bounds();
  return roofline::failures ? 1 : 0;
}
