// The inputs where ELU's error against the exact value is largest: in f32 found by going through every negative float
// (RECTIFY_EXHAUSTIVE=1), in f64 by climbing from the worst of many random ones. They stand in every ordinary run, with the
// error that each must show.
#pragma once

namespace rectify::tests {

// Value: alpha * expm1(x).
template <class T>
struct WorstValue {
  T alpha;
  T x;
  double ulp;  // the error there, rounded to four decimals
};

// Factor of the gradient: exp(x), with alpha = 1 and dy = 1.
template <class T>
struct WorstExponential {
  T x;
  double ulp;
};

// The first is the worst of alpha = 1, the second of every alpha tried.
inline constexpr WorstValue<float> worst_values_f32[] = {
    {1.0f, -0x1.6353e8p-2f, 0.9109},
    {0x1.b5e68p+0f, -0x1.61f8fcp-2f, 2.0510},
};
inline constexpr WorstValue<double> worst_values_f64[] = {
    {1.0, -0x1.632c29ac76e19p-2, 0.9048},
    {0x1.fb07fa6db2639p+0, -0x1.133773fcb4407p-3, 1.8444},
};

// The worst normal result and the worst denormal one.
inline constexpr WorstExponential<float> worst_exponentials_f32[] = {
    {-0x1.da1b76p+5f, 1.0894},
    {-0x1.601a64p+6f, 0.7494},
};
inline constexpr WorstExponential<double> worst_exponentials_f64[] = {
    {-0x1.1fc38feeffae3p+2, 1.0484},
    {-0x1.626eeb0df1796p+9, 0.8185},
};

}  // namespace rectify::tests
