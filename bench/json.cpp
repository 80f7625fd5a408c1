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
    json.key("places_of_others");
    json.open('{');
    for (size_t i = 0; i < others; ++i) json.member(name(static_cast<Other>(i)), static_cast<size_t>(f.places[i]));
    json.close('}');
    json.key("others_per_cycle");
    json.open('{');
    for (size_t i = 0; i < others; ++i) json.member(name(static_cast<Other>(i)), f.others_per_cycle[i]);
    json.close('}');
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
  json.member("bytes", c.bytes);
  json.member("gbps", c.gbps);
  json.close('}');
}

// Zero stands for what is not known; it becomes null.
double known(double value) { return value > 0 ? value : NAN; }

// Which figure is judged, its bar, and whether it is reached; null where none is set.
void write_target(Json& json, const Target* target, double value) {
  json.key("target");
  if (!target) return json.value(NAN);
  json.open('{');
  json.member("figure", name(target->figure));
  json.member("bar", target->bar);
  json.member("at_most", target->at_most);
  json.member("reached", target->reached(value));
  json.close('}');
}

void write(Json& json, const Row& row) {
  json.open('{');
  json.member("operation", row.operation->operation);
  json.member("direction", row.operation->direction);
  json.member("format", name(row.operation->format));
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
  json.member("variant", row.variant());
  json.member("flops_per_element", static_cast<size_t>(row.operation->arithmetic().flops()));
  json.member("gflops", row.gflops());
  json.member("port_bound_cycles", known(row.port_bound.peak ? row.port_bound.cycles : 0));
  json.member("percent_of_port_bound", known(row.percent_of_port_bound));
  json.member("times_dx", known(row.times_dx));
  const Target* const bar = target(row);
  write_target(json, bar, bar ? judged(row, *bar) : 0);
  json.close('}');
}

void write(Json& json, const SmallCall& c) {
  json.open('{');
  json.member("operation", c.operation->operation);
  json.member("direction", c.operation->direction);
  json.member("layout", name(c.operation->layout));
  json.member("format", name(c.operation->format));
  json.member("variant", c.operation->variant);
  json.member("n", elements(c.shape));
  json.member("call_ns", c.call_ns);
  json.member("kernel_ns", c.kernel_ns);
  json.member("nanoseconds_above_kernel", c.above_kernel_ns());
  write_target(json, &target(c), judged(c));
  json.close('}');
}

void write(Json& json, const Scaling& s) {
  json.open('{');
  json.member("operation", s.operation->operation);
  json.member("direction", s.operation->direction);
  json.member("layout", name(s.operation->layout));
  json.member("level", name(Level::l3));
  json.member("threads", s.threads);
  json.member("n", elements(s.shape));
  json.member("gain", s.gain);
  json.member("ceilings_gain", s.ceilings_gain);
  json.member("share_of_ceilings_gain", s.share);
  write_target(json, &target(s), judged(s));
  json.close('}');
}

void write(Json& json, const Judgement& j) {
  json.open('{');
  json.member("what", j.target.what);
  json.member("figure", name(j.target.figure));
  json.member("unit", unit(j.target.figure));
  json.member("bar", j.target.bar);
  json.member("at_most", j.target.at_most);
  json.member("judged", j.judged);
  json.member("reached", j.judged - j.misses.size());
  json.member("worst", j.worst);
  json.key("misses");
  json.open('[');
  for (const Miss& miss : j.misses) {
    json.open('{');
    json.member("name", miss.name);
    json.member("value", miss.value);
    json.close('}');
  }
  json.close(']');
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
  write_list(json, "calls", report.calls);
  write_list(json, "scaling", report.scalings);
  write_list(json, "targets", report.judgements);
  json.member("quick", report.quick);
  json.member("seconds", report.seconds);
  json.close('}');
}

}  // namespace roofline
