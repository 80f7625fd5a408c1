# Counts the cases in the JUnit file that ctest wrote: awk -v target=NAME -f summarize-junit.awk junit.xml
# Prints what failed, what was skipped and why, and last the line "NAME: P passed, F failed, K skipped". Fails if a case
# failed, if none passed, or if the file is missing, empty or cut short.
#
# CTest calls "skipped" also what it could not start. Only a case that said so itself counts as skipped here: a GoogleTest
# case by GTEST_SKIP, whose message is the reason; a script by its exit code, whose last line of output is the reason.

function attribute(name,    value) {
  if (!match($0, " " name "=\"[^\"]*\"")) return ""
  value = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
  return unescape(value)
}

function unescape(text) {
  gsub(/&lt;/, "<", text)
  gsub(/&gt;/, ">", text)
  gsub(/&quot;/, "\"", text)
  gsub(/&apos;/, "'", text)
  gsub(/&amp;/, "\\&", text)
  return text
}

/^\ttests="/ { announced = substr($0, 9) + 0 }

/^\t<testcase / {
  name = attribute("name")
  status = attribute("status")
  skip = reason = last = ""
  reason_follows = failed_too = 0
}

/^\t\t<skipped / { skip = attribute("message") }

{
  line = $0
  sub(/^\t\t<system-out>/, "", line)
  sub(/<\/system-out>$/, "", line)
  if (line ~ /^\[  FAILED  \]/) failed_too = 1
  if (reason_follows && line !~ /^ *$/) reason = unescape(line)
  reason_follows = line ~ /: Skipped$/
  if (line !~ /^[ \t]*(<.*)?$/) last = unescape(line)
}

/^\t<\/testcase>/ {
  ++cases
  if (status == "run") {
    ++passed
  } else if (status == "disabled") {
    ++skipped
    ++reasons["disabled"]
  } else if (skip ~ /^SKIP_(REGULAR_EXPRESSION_MATCHED|RETURN_CODE)/ && !failed_too) {
    ++skipped
    if (reason == "") reason = skip ~ /^SKIP_RETURN_CODE/ && last != "" ? last : "no reason given"
    ++reasons[reason]
  } else {
    ++failed
    print target " failed: " name (skip != "" ? " (" skip ")" : "")
  }
}

/^<\/testsuite>/ { complete = 1 }

END {
  if (!complete || cases != announced) {
    print target " failed: ctest's record of the run is missing, empty or cut short"
    ++failed
  } else if (!passed) {
    print target " failed: not one case passed"
    failed += !failed
  }
  for (reason in reasons) print target " skipped (" reason "): " reasons[reason] | "sort"
  close("sort")
  printf "%s: %d passed, %d failed, %d skipped\n", target, passed, failed, skipped
  exit failed > 0
}
