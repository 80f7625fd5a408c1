#include "selection.hpp"

#include <string_view>

#include "levels.hpp"

namespace roofline {
namespace {

Row row(const Selection& s, const Operation& operation, const std::string& backend, Level level, size_t threads,
        rectify_shape shape, std::optional<Image> image = std::nullopt) {
  return {.operation = &operation,
          .backend = backend,
          .dispatched = backend == s.dispatched,
          .level = level,
          .threads = threads,
          .shape = shape,
          .image = image,
          .ceiling = &s.ceilings.matched(operation.traffic, level, threads),
          .port_bound = port_bound(operation.arithmetic(), backend, s.fused),
          .ghz = s.ghz};
}

// The scalar backend is never measured in DRAM: its arithmetic takes far longer than the memory there.
bool wanted_in_f32(const Selection& s, const std::string& backend, Level level) {
  if (backend == "scalar" && level == Level::dram) return false;
  return !s.quick || backend == s.dispatched || level == Level::l2;
}

// In the other formats the backends that are not chosen are only seen at L2.
bool wanted(const Selection& s, const Operation& operation, const std::string& backend, Level level, size_t threads) {
  if (operation.format == Format::f32) return wanted_in_f32(s, backend, level);
  if (!s.quick) return backend == s.dispatched || (level == Level::l2 && threads == 1);
  return backend == s.dispatched && representative(operation) && (level == Level::l2 || level == Level::dram);
}

// In a quick run those at L2 that ask most of the loops: short runs, and few channels.
bool wanted_image(const Selection& s, Layout layout, const Image& image, Level level) {
  if (!s.quick) return level != Level::l1;
  const bool nchw = layout == Layout::nchw;
  const bool short_runs = image.channels == 64 && image.side == 7, runs = image.channels == 16 && image.side == 28;
  const bool few_channels = image.channels == 16 && image.side == 7;
  return level == Level::l2 && (nchw ? short_runs || runs : short_runs || few_channels);
}

void add_images(std::vector<Row>& rows, const Selection& s) {
  for (const Operation& operation : operations()) {
    const bool per_channel = operation.layout == Layout::nchw || operation.layout == Layout::nhwc;
    if (operation.operation != std::string_view("prelu") || !per_channel || operation.format != Format::f32 ||
        operation.fused())
      continue;
    for (const size_t channels : image_channels)
      for (const size_t side : image_sides)
        for (const Level level : levels(s.machine)) {
          const Image image = {channels, side};
          if (!wanted_image(s, operation.layout, image, level)) continue;
          const size_t n = elements(operation, touched_bytes(s.machine, level, 1));
          if (const auto shape = shape_of(operation, image, n))
            rows.push_back(row(s, operation, s.dispatched, level, 1, *shape, image));
        }
  }
}

}  // namespace

std::vector<Row> select_rows(const Selection& s) {
  std::vector<Row> rows;
  for (const std::string& backend : s.backends)
    for (const size_t threads : s.threads)
      for (const Level level : levels(s.machine))
        for (const Operation& operation : operations()) {
          if (!wanted(s, operation, backend, level, threads)) continue;
          const size_t n = elements(operation, touched_bytes(s.machine, level, threads));
          rows.push_back(row(s, operation, backend, level, threads, shape_of(operation, n)));
        }
  add_images(rows, s);
  return rows;
}

}  // namespace roofline
