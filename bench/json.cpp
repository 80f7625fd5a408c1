// roofline.json
#include <cmath>
#include <string>
#include <string_view>

#include "report.hpp"

namespace roofline {
namespace {

// Writes one value after the other; commas and line breaks come by themselves. Every object at the second depth is a line.
class Json {
 public:
  explicit Json(FILE* out) : out_(out) {}
  ~Json() { fputc('\n', out_); }
  Json(const Json&) = delete;
  Json& operator=(const Json&) = delete;

  void open(char bracket) {
    separate();
    fputc(bracket, out_);
    ++depth_;
    first_ = true;
  }
  void close(char bracket) {
    --depth_;
    if (depth_ < lines_to_depth) fprintf(out_, "\n%*s", 2 * depth_, "");
    fputc(bracket, out_);
    first_ = false;
  }
  void key(std::string_view name) {
    value(name);
    fputs(": ", out_);
    after_key_ = true;
  }
  void value(std::string_view text) {
    separate();
    fputc('"', out_);
    for (const char c : text) {
      if (c == '"' || c == '\\')
        fprintf(out_, "\\%c", c);
      else if (static_cast<unsigned char>(c) < 0x20)
        fprintf(out_, "\\u%04x", static_cast<unsigned>(c));
      else
        fputc(c, out_);
    }
    fputc('"', out_);
  }
  void value(const char* text) { value(std::string_view(text)); }
  void value(double number) {
    separate();
    if (std::isfinite(number))
      fprintf(out_, "%.5g", number);
    else
      fputs("null", out_);
  }
  void value(size_t number) {
    separate();
    fprintf(out_, "%zu", number);
  }
  void value(bool truth) {
    separate();
    fputs(truth ? "true" : "false", out_);
  }
  template <class Value>
  void member(std::string_view name, const Value& v) {
    key(name);
    value(v);
  }

 private:
  static constexpr int lines_to_depth = 2;

  void separate() {
    if (after_key_) {
      after_key_ = false;
      return;
    }
    if (!first_) fputs(depth_ > lines_to_depth ? ", " : ",", out_);
    if (depth_ > 0 && depth_ <= lines_to_depth) fprintf(out_, "\n%*s", 2 * depth_, "");
    first_ = false;
  }

  FILE* out_;
  int depth_ = 0;
  bool first_ = true;
  bool after_key_ = false;
};

void write(Json& json, const Machine& m, const Report& report) {
  json.open('{');
  json.member("cpu", m.cpu);
  json.member("slug", m.slug);
  json.member("processors", m.processors);
  json.member("memory_bytes", m.memory_bytes);
  json.member("load", m.load);
  json.key("caches");
  json.open('[');
  for (const Cache& c : m.caches) {
    json.open('{');
    json.member("level", static_cast<size_t>(c.level));
    json.member("bytes", c.bytes);
    json.member("instances", c.instances);
    json.close('}');
  }
  json.close(']');
  json.member("caches_from", m.caches_from_sysfs ? "sysfs" : "sysconf");
  json.key("backends");
  json.open('[');
  for (const std::string& backend : report.backends) json.value(backend);
  json.close(']');
  json.member("dispatched", report.dispatched);
  json.member("huge_pages", report.huge_pages);
  json.member("ghz", report.ghz);
  json.key("fused_multiply_add");
  json.open('[');
  for (const Fused& f : report.fused) {
    json.open('{');
    json.member("isa", f.isa);
    json.member("lanes", f.lanes);
    json.member("per_cycle", f.per_cycle);
    json.member("gflops", f.gflops);
    json.close('}');
  }
  json.close(']');
  json.close('}');
}

void write(Json& json, const Ceiling& c) {
  json.open('{');
  json.member("traffic", name(c.traffic));
  json.member("store", c.streaming ? "streaming" : "ordinary");
  json.member("level", name(c.level));
  json.member("threads", c.threads);
  json.member("gbps", c.gbps);
  json.close('}');
}

void write(Json& json, const Row& row) {
  json.open('{');
  json.member("operation", row.operation->operation);
  json.member("direction", row.operation->direction);
  json.member("format", "f32");
  json.member("layout", name(row.operation->layout));
  json.member("backend", row.backend);
  json.member("dispatched", row.dispatched);
  json.member("bound", row.memory_bound() ? "memory" : "compute");
  json.member("level", name(row.level));
  json.member("threads", row.threads);
  json.member("n", row.n());
  json.key("shape");
  json.open('[');
  for (const size_t extent : {row.shape.outer, row.shape.channels, row.shape.inner}) json.value(extent);
  json.close(']');
  json.member("traffic", name(row.operation->traffic));
  json.member("gbps", row.gbps);
  json.member("ns_per_element", row.ns_per_element);
  json.member("cycles_per_element", row.cycles_per_element);
  json.member("percent_of_ceiling", row.percent_of_ceiling);
  json.close('}');
}

void write(Json& json, const Series& series) {
  json.open('{');
  json.member("name", series.name);
  json.member("store", series.store);
  json.member("traffic", name(series.traffic));
  json.key("points");
  json.open('[');
  for (const Point& p : series.points) {
    json.open('{');
    json.member("bytes", p.bytes);
    json.member("gbps", p.gbps);
    json.close('}');
  }
  json.close(']');
  json.close('}');
}

template <class List>
void write_list(Json& json, const char* key, const List& list) {
  json.key(key);
  json.open('[');
  for (const auto& entry : list) write(json, entry);
  json.close(']');
}

}  // namespace

void write_json(FILE* out, const Report& report) {
  std::vector<Row> measured;
  for (const Row& row : report.rows)
    if (row.measured()) measured.push_back(row);
  Json json(out);
  json.open('{');
  json.key("machine");
  write(json, report.machine, report);
  write_list(json, "ceilings", report.ceilings);
  write_list(json, "rows", measured);
  write_list(json, "sweep", report.sweep);
  json.close('}');
}

}  // namespace roofline
