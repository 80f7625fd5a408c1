// What is printed and written: the machine, the ceilings and the rows, as tables for a reader and as JSON for a program.
#pragma once

#include <stdio.h>

#include <string>
#include <vector>

#include "ceilings.hpp"
#include "machine.hpp"
#include "port_bound.hpp"
#include "rows.hpp"
#include "sweep.hpp"

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
  std::vector<Series> sweep;
};

void print_machine(FILE* out, const Report& report);
void print_ceilings(FILE* out, const Report& report);
void print_rows(FILE* out, const Report& report);

// The rows that count against the library or against this program: under their target, impossible, or failed.
void print_verdict(FILE* out, const Report& report);

void write_json(FILE* out, const Report& report);

}  // namespace roofline
