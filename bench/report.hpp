// What is printed and written: the machine, the ceilings and the rows, as tables for a reader and as JSON for a program.
#pragma once

#include <stdio.h>

#include <string>
#include <vector>

#include "ceilings.hpp"
#include "machine.hpp"
#include "port_bound.hpp"
#include "rows.hpp"
#include "scaling.hpp"
#include "small_calls.hpp"
#include "sweep.hpp"
#include "targets.hpp"

namespace roofline {

struct Report {
  Machine machine;
  std::vector<std::string> backends;  // that this machine can run, best first
  std::string dispatched;
  bool huge_pages;
  double ghz;  // median over the run
  std::vector<Fused> fused;
  std::vector<Ceiling> ceilings;
  std::vector<Row> rows;
  std::vector<SmallCall> calls;
  std::vector<Scaling> scalings;
  std::vector<Series> sweep;
  std::vector<Judgement> judgements;
  bool quick;
  double seconds;  // that all of it took
};

void print_machine(FILE* out, const Report& report);
void print_ceilings(FILE* out, const Report& report);
void print_rows(FILE* out, const Report& report);
void print_images(FILE* out, const Report& report);
void print_calls(FILE* out, const Report& report);
void print_scalings(FILE* out, const Report& report);

// What became of each target, and what counts against the library or against this program: whatever misses its target, is
// impossible, or failed.
void print_verdict(FILE* out, const Report& report);

void write_json(FILE* out, const Report& report);

}  // namespace roofline
