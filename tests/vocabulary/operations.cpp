// One instruction set's vector operations as functions over arrays: compiled once per backend, with the backend's own
// flags. RECTIFY_VOCABULARY_HEADER is its vector.hpp, RECTIFY_VOCABULARY_TABLE the constant to define,
// RECTIFY_VOCABULARY_BACKEND its name. Nothing else may leave this file, and no standard C++ header may enter it.
#include RECTIFY_VOCABULARY_HEADER

#include "tests/vocabulary/vocabulary.hpp"

namespace rectify::tests {
namespace {

template <F32 operation(F32, F32)>
void binary(const float* a, const float* b, float* out) {
  store(out, operation(load(a), load(b)));
}

template <Mask32 compare(F32, F32)>
void select_where(const float* l, const float* r, const float* a, const float* b, float* out) {
  store(out, select(compare(load(l), load(r)), load(a), load(b)));
}

template <Mask32 compare(F32, F32)>
void zeroed_where(const float* l, const float* r, const float* a, float* out) {
  store(out, zero_where(compare(load(l), load(r)), load(a)));
}

template <U32 operation(U32, U32)>
void binary_of_bits(const float* a, const float* b, float* out) {
  store(out, as_float(operation(as_bits(load(a)), as_bits(load(b)))));
}

template <int count>
void shifted(const float* a, float* out) {
  store(out, as_float(shift_left<count>(as_bits(load(a)))));
}

void broadcast_to(float a, float* out) { store(out, broadcast(a)); }
void copy(const float* from, float* to) { store(to, load(from)); }
void load_first(const float* from, size_t count, float* out) { store(out, load_partial(from, count)); }
void store_first(float* to, const float* a, size_t count) { store_partial(to, load(a), count); }
void transposed(const float* rows, float* columns) {
  F32 v[F32::lanes];
  for (size_t i = 0; i < F32::lanes; ++i) v[i] = load(rows + i * F32::lanes);
  transpose(v);
  for (size_t i = 0; i < F32::lanes; ++i) store(columns + i * F32::lanes, v[i]);
}
void select_first(size_t count, const float* a, const float* b, float* out) {
  store(out, select(first(count), load(a), load(b)));
}
void stream_to(float* to, const float* a) {
  stream(to, load(a));
  stream_fence();
}
void fused(const float* a, const float* b, const float* c, float* out) { store(out, fma(load(a), load(b), load(c))); }
void scaled_one_plus(const float* p, const float* n, const float* scale, float* out) {
  store(out, scale_one_plus(load(p), load(n), load(scale)));
}
void fused_where_less(const float* l, const float* r, const float* a, const float* b, const float* sum, float* out) {
  store(out, fma_where(less(load(l), load(r)), load(a), load(b), load(sum)));
}
void broadcast_bits_to(uint32_t bits, float* out) { store(out, as_float(broadcast_bits(bits))); }
void through_bits(const float* a, float* out) { store(out, as_float(as_bits(load(a)))); }

}  // namespace

extern const Vocabulary RECTIFY_VOCABULARY_TABLE;
constexpr Vocabulary RECTIFY_VOCABULARY_TABLE = {
    .backend = RECTIFY_VOCABULARY_BACKEND,
    .lanes = F32::lanes,
    .broadcast = broadcast_to,
    .copy = copy,
    .load_partial = load_first,
    .store_partial = store_first,
    .transpose = transposed,
    .stream = stream_to,
    .add = binary<(operator+)>,
    .subtract = binary<(operator-)>,
    .multiply = binary<(operator*)>,
    .fma = fused,
    .scale_one_plus = scaled_one_plus,
    .select_less = select_where<less>,
    .select_less_equal = select_where<less_equal>,
    .select_first = select_first,
    .zero_where_less = zeroed_where<less>,
    .zero_where_less_equal = zeroed_where<less_equal>,
    .greater_or_second = binary<greater_or_second>,
    .fma_where_less = fused_where_less,
    .broadcast_bits = broadcast_bits_to,
    .through_bits = through_bits,
    .min_signed = binary_of_bits<min_signed>,
    .min_unsigned = binary_of_bits<min_unsigned>,
    .shift_left_1 = shifted<1>,
    .shift_left_23 = shifted<23>,
    .shift_left_31 = shifted<31>,
};

}  // namespace rectify::tests
