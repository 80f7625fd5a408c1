#include "targets.hpp"

#include <algorithm>
#include <string_view>

namespace roofline {
namespace {

// ---- Which rows ----------------------------------------------------------------------------------------------------

bool in_format(const Row& r, Format format) { return r.operation->format == format; }
bool f32(const Row& r) { return in_format(r, Format::f32); }
bool of(const Row& r, std::string_view operation) { return r.operation->operation == operation; }
bool with_parameter(const Row& r) { return r.operation->direction == std::string_view("backward_with_parameter"); }
bool elu_forward(const Row& r) { return r.operation->is("elu", "forward"); }
bool elu_backward(const Row& r) { return r.operation->is("elu", "backward"); }

// One output from a few inputs and next to no arithmetic. An output that shares no cache lines with its input's is shown
// only: its ceiling is another.
bool brief_map(const Row& r) {
  return f32(r) && r.operation->traffic.writes != 0 && !with_parameter(r) && !elu_forward(r) && !elu_backward(r) &&
         r.operation->displaced == 0 && !r.operation->fused();
}
bool at(const Row& r, Level level) { return r.level == level; }
bool in_dram(const Row& r) { return at(r, Level::dram); }
bool unit_alpha(const Row& r) { return r.operation->parameter == 1; }
bool avx2(const Row& r) { return r.backend == "avx2"; }
bool avx512(const Row& r) { return r.backend == "avx512"; }

// 16 bits: ReLU only moves them, Leaky ReLU and PReLU convert them.
bool moved_16_bits(const Row& r) {
  return sixteen_bits(r.operation->format) && of(r, "relu") && r.level != Level::l1 && !r.operation->fused();
}
bool converted_16_bits(const Row& r) {
  return sixteen_bits(r.operation->format) && (of(r, "leaky_relu") || of(r, "prelu")) && !with_parameter(r) &&
         !r.operation->fused();
}
bool elu_in_cache(const Row& r, Format format) {
  return in_format(r, format) && elu_forward(r) && !in_dram(r) && avx512(r);
}
bool bf16_dslope(const Row& r) {
  return in_format(r, Format::bf16) && of(r, "prelu") && with_parameter(r) && r.operation->layout != Layout::per_element;
}

bool from_mask(const Row& r) {
  return f32(r) && r.operation->direction == std::string_view("backward_from_mask") && !r.operation->fused();
}

// Both gradients against dx alone, for channels that are runs of so many elements, or so many channels in each row.
bool both(const Row& r) { return f32(r) && with_parameter(r) && !of(r, "elu") && r.level != Level::l1 && avx512(r); }
bool runs(const Row& r, size_t from, size_t below) {
  const bool of_runs = r.operation->layout == Layout::flat || r.operation->layout == Layout::nchw;
  return both(r) && of_runs && r.shape.inner >= from && r.shape.inner < below;
}
bool rows(const Row& r, size_t from, size_t to) {
  return both(r) && r.operation->layout == Layout::nhwc && r.shape.channels >= from && r.shape.channels <= to;
}

// ---- The bars ------------------------------------------------------------------------------------------------------

struct RowTarget {
  Target target;
  bool (*judges)(const Row& row);
  double mean_at_least = 0;  // 0: no bar for the mean of the figures
};

using enum Figure;
constexpr bool at_most = true;

// The first that judges a row is its target. They hold for the chosen backend on one thread.
constexpr RowTarget row_targets[] = {
    {{"a backward from the mask against one from x, DRAM", times_dx, 1 / 1.7, at_most},
     [](const Row& r) { return from_mask(r) && in_dram(r); }},
    {{"a backward from the mask against one from x, L2, AVX-512", times_dx, 1 / 1.3, at_most},
     [](const Row& r) { return from_mask(r) && at(r, Level::l2) && avx512(r); }},
    {{"maps with next to no arithmetic, L1", percent_of_ceiling, 80},
     [](const Row& r) { return brief_map(r) && r.level == Level::l1; }},
    {{"maps with next to no arithmetic, L2 to DRAM", percent_of_ceiling, 90},
     [](const Row& r) { return brief_map(r) && !r.image; },
     95},
    {{"PReLU of images, L2 to DRAM", percent_of_ceiling, 90}, [](const Row& r) { return brief_map(r) && r.image; }, 95},

    {{"ELU from x, DRAM", percent_of_ceiling, 90},
     [](const Row& r) { return f32(r) && (elu_forward(r) || elu_backward(r)) && in_dram(r); }},
    {{"ELU forward in cache, alpha 1, AVX-512", percent_of_port_bound, 85},
     [](const Row& r) { return f32(r) && elu_forward(r) && unit_alpha(r) && avx512(r); }},
    {{"ELU forward in cache, alpha 1, AVX2", percent_of_port_bound, 60},
     [](const Row& r) { return f32(r) && elu_forward(r) && unit_alpha(r) && avx2(r); }},
    // Not in L1, where a call is so short that its own nanoseconds count.
    {{"ELU backward from x in cache, alpha 1, AVX-512", cycles_per_element, 0.78, at_most},
     [](const Row& r) { return f32(r) && elu_backward(r) && unit_alpha(r) && avx512(r) && r.level != Level::l1; }},
    {{"ELU backward from x in cache, other alpha, AVX-512", cycles_per_element, 0.86, at_most},
     [](const Row& r) { return f32(r) && elu_backward(r) && avx512(r) && r.level != Level::l1; }},

    {{"dx and dslope in NCHW, runs from 4096, AVX-512", times_dx, 1.05, at_most},
     [](const Row& r) { return runs(r, 4096, SIZE_MAX); }},
    {{"dx and dslope in NCHW, runs from 784, AVX-512", times_dx, 1.15, at_most},
     [](const Row& r) { return runs(r, 784, 4096); }},
    {{"dx and dslope in NCHW, runs from 49, AVX-512", times_dx, 1.6, at_most},
     [](const Row& r) { return runs(r, 49, 784); }},
    {{"dx and dslope in NHWC, 64 to 512 channels, AVX-512", times_dx, 1.1, at_most},
     [](const Row& r) { return rows(r, 64, 512); }},
    {{"dx and dslope in NHWC, 16 channels and more, AVX-512", times_dx, 1.35, at_most},
     [](const Row& r) { return rows(r, 16, SIZE_MAX); }},
    {{"dx and dslope in NHWC, below 16 channels, AVX-512", times_dx, 2, at_most},
     [](const Row& r) { return rows(r, 2, 15); }},

    {{"ReLU in 16 bits, L2 to DRAM", percent_of_ceiling, 90}, moved_16_bits},
    {{"Leaky ReLU and PReLU in 16 bits, L2", percent_of_ceiling, 45},
     [](const Row& r) { return converted_16_bits(r) && at(r, Level::l2); }},
    {{"Leaky ReLU and PReLU in 16 bits, L3", percent_of_ceiling, 55},
     [](const Row& r) { return converted_16_bits(r) && at(r, Level::l3); }},
    {{"Leaky ReLU and PReLU in 16 bits, DRAM", percent_of_ceiling, 90},
     [](const Row& r) { return converted_16_bits(r) && in_dram(r); }},
    {{"ELU forward in cache, f16, AVX-512", cycles_per_element, 0.8, at_most},
     [](const Row& r) { return elu_in_cache(r, Format::f16); }},
    {{"ELU forward in cache, bf16, AVX-512", cycles_per_element, 0.8, at_most},
     [](const Row& r) { return elu_in_cache(r, Format::bf16); }},
    {{"ELU forward in cache, f64, AVX-512", cycles_per_element, 2.2, at_most},
     [](const Row& r) { return elu_in_cache(r, Format::f64); }},
    {{"dx and dslope in bf16, L3", times_dx, 1.5, at_most},
     [](const Row& r) { return bf16_dslope(r) && at(r, Level::l3); }},
    {{"dx and dslope in bf16, DRAM", times_dx, 1.2, at_most}, [](const Row& r) { return bf16_dslope(r) && in_dram(r); }},
};

constexpr Target small_call_target = {"a call on 16 elements", nanoseconds_above_kernel, 20, at_most};
constexpr Target scaling_target = {"2 threads against 1, L3", share_of_ceilings_gain, 0.9};

// Adds what became of a target to all, if it judged anything.
class Judge {
 public:
  explicit Judge(const Target& target) : judgement_{target} {}

  void add(const std::string& name, double value) {
    Judgement& j = judgement_;
    const bool worse = j.target.at_most ? value > j.worst : value < j.worst;
    if (j.judged++ == 0 || worse) j.worst = value;
    sum_ += value;
    if (!j.target.reached(value)) j.misses.push_back({name, value});
  }

  void finish(std::vector<Judgement>& all, double mean_at_least = 0) const {
    if (judgement_.judged == 0) return;
    all.push_back(judgement_);
    if (mean_at_least <= 0) return;
    Judge of_mean({judgement_.target.what, mean_percent_of_ceiling, mean_at_least});
    of_mean.add("mean", sum_ / static_cast<double>(judgement_.judged));
    of_mean.finish(all);
  }

 private:
  Judgement judgement_;
  double sum_ = 0;
};

}  // namespace

const char* name(Figure figure) {
  constexpr const char* names[] = {
      "percent_of_ceiling",       "percent_of_port_bound",  "cycles_per_element",     "times_dx",
      "nanoseconds_above_kernel", "share_of_ceilings_gain", "mean_percent_of_ceiling"};
  return names[static_cast<int>(figure)];
}

const char* unit(Figure figure) {
  constexpr const char* units[] = {"% of its ceiling",    "% of its port bound",       "cycles/element", "x dx alone",
                                   "ns above the kernel", "of what the ceiling gains", "% in the mean"};
  return units[static_cast<int>(figure)];
}

const Target* target(const Row& row) {
  if (!row.dispatched || row.threads != 1 || row.backend == "scalar") return nullptr;
  // What the memory bounds, as it may on a busy machine, has no share of a port bound.
  const auto judged_by = [&](const RowTarget& t) {
    return t.judges(row) && (t.target.figure != percent_of_port_bound || row.percent_of_port_bound > 0);
  };
  const auto found = std::find_if(std::begin(row_targets), std::end(row_targets), judged_by);
  return found == std::end(row_targets) ? nullptr : &found->target;
}

const Target& target(const SmallCall&) { return small_call_target; }
const Target& target(const Scaling&) { return scaling_target; }

double judged(const Row& row, const Target& target) {
  switch (target.figure) {
    case percent_of_port_bound:
      return row.percent_of_port_bound;
    case cycles_per_element:
      return row.cycles_per_element;
    case times_dx:
      return row.times_dx;
    default:
      return row.percent_of_ceiling;
  }
}

bool misses_target(const Row& row) {
  const Target* const bar = target(row);
  return bar && !bar->reached(judged(row, *bar));
}

bool closer_to_target(const Row& row, const Row& other) {
  const Target* const bar = target(row);
  if (!bar) return false;
  const double value = judged(row, *bar), other_value = judged(other, *bar);
  return bar->at_most ? value < other_value : value > other_value;
}

std::vector<Judgement> judge(const std::vector<Row>& rows, const std::vector<SmallCall>& calls,
                             const std::vector<Scaling>& scalings) {
  std::vector<Judgement> all;
  for (const RowTarget& t : row_targets) {
    Judge judge(t.target);
    for (const Row& row : rows)
      if (row.measured() && target(row) == &t.target) judge.add(row.name(), judged(row, t.target));
    judge.finish(all, t.mean_at_least);
  }
  Judge of_calls(small_call_target), of_scalings(scaling_target);
  for (const SmallCall& call : calls) of_calls.add(call.name(), judged(call));
  for (const Scaling& scaling : scalings) of_scalings.add(scaling.name(), judged(scaling));
  of_calls.finish(all);
  of_scalings.finish(all);
  return all;
}

}  // namespace roofline
