// The families run on the other backends with a shorter stride over their inputs. SIMDe takes several times as long.
#include <cstdlib>

namespace {
[[maybe_unused]] const int set = setenv("RECTIFY_INPUT_STRIDE", "2003", 0);
}
