// The verdict: each target, and everything that misses one.
#include <string>

#include "report.hpp"

namespace roofline {
namespace {

int digits(Figure figure) {
  switch (figure) {
    case Figure::cycles_per_element:
    case Figure::times_dx:
    case Figure::share_of_ceilings_gain:
      return 3;
    default:
      return 1;
  }
}

}  // namespace

void print_verdict(FILE* out, const Report& report) {
  fprintf(out, "\n%-52s %10s %8s %8s %8s  %s\n", "Target", "bar", "reached", "of", "worst", "");
  for (const Judgement& j : report.judgements) {
    char bar[32];
    snprintf(bar, sizeof bar, "%s %g", j.target.at_most ? "<=" : ">=", j.target.bar);
    fprintf(out, "%-52s %10s %8zu %8zu %8.*f  %s\n", j.target.what, bar, j.judged - j.misses.size(), j.judged,
            digits(j.target.figure), j.worst, unit(j.target.figure));
  }
  fprintf(out, "\n");

  for (const Row& row : report.rows) {
    if (!row.error.empty()) fprintf(out, "failed: %s: %s\n", row.name().c_str(), row.error.c_str());
    if (impossible(row))
      fprintf(out, "error in the accounting: %s: %.1f %% of its ceiling\n", row.name().c_str(), row.percent_of_ceiling);
  }
  size_t judged = 0, missed = 0;
  for (const Judgement& j : report.judgements) {
    judged += j.judged;
    missed += j.misses.size();
    if (j.misses.empty()) continue;
    fprintf(out, "misses: %s: %s %g %s\n", j.target.what, j.target.at_most ? "at most" : "at least", j.target.bar,
            unit(j.target.figure));
    for (const Miss& miss : j.misses) fprintf(out, "%12.*f  %s\n", digits(j.target.figure), miss.value, miss.name.c_str());
  }
  fprintf(out, "%zu of %zu judged figures reach their target.\n", judged - missed, judged);
}

}  // namespace roofline
