// One instruction set's vector operations as functions over arrays: compiled once per backend, with the backend's own
// flags. RECTIFY_VOCABULARY_HEADER is its vector.hpp, RECTIFY_VOCABULARY_TABLE the constant to define,
// RECTIFY_VOCABULARY_BACKEND its name. Nothing else may leave this file, and no standard C++ header may enter it.
#include RECTIFY_VOCABULARY_HEADER

#include "tests/vocabulary/vocabulary.hpp"

namespace rectify::tests {
namespace {

template <class V, class Element, class Value>
constexpr Memory<Element, Value> memory_of = {
    .lanes = V::lanes,
    .load = [](const Element* from, Value* to) { store(to, V::load(from)); },
    .load_once = [](const Element* from, Value* to) { store(to, V::load_once(from)); },
    .load_partial = [](const Element* from, size_t count, Value* to) { store(to, V::load_partial(from, count)); },
    .store = [](Element* to, const Value* from) { store(to, V::load(from)); },
    .store_partial = [](Element* to, const Value* from, size_t count) { store_partial(to, V::load(from), count); },
    .stream = [](Element* to, const Value* from) { stream(to, V::load(from)); },
};

template <class V, class T = typename V::Scalar>
constexpr Arithmetic<T> arithmetic_of = {
    .lanes = V::lanes,
    .broadcast = [](T a, T* to) { store(to, V::broadcast(a)); },
    .in_register = [](T a, T* to) { store(to, V::in_register(a)); },
    .in_memory = [](T* to) { store(to, V::template in_memory<third<T>>()); },
    .add = [](const T* a, const T* b, T* to) { store(to, V::load(a) + V::load(b)); },
    .multiply = [](const T* a, const T* b, T* to) { store(to, V::load(a) * V::load(b)); },
    .select_below_zero = [](const T* c, const T* a, const T* b,
                            T* to) { store(to, select(below_zero(V::load(c)), V::load(a), V::load(b))); },
    .select_zero_or_below = [](const T* c, const T* a, const T* b,
                               T* to) { store(to, select(zero_or_below(V::load(c)), V::load(a), V::load(b))); },
    .select_first = [](size_t count, const T* a, const T* b,
                       T* to) { store(to, select(V::first(count), V::load(a), V::load(b))); },
    .select_of_bits = [](uint64_t word, size_t begin, const T* a, const T* b,
                         T* to) { store(to, select(V::mask_of(word, begin), V::load(a), V::load(b))); },
    .greater_or_second = [](const T* a, const T* b, T* to) { store(to, greater_or_second(V::load(a), V::load(b))); },
    .fma_where_below_zero =
        [](const T* c, const T* a, const T* b, const T* sum, T* to) {
          store(to, fma_where(below_zero(V::load(c)), V::load(a), V::load(b), V::load(sum)));
        },
    .fma_where_first = [](size_t count, const T* a, const T* b, const T* sum,
                          T* to) { store(to, fma_where(V::first(count), V::load(a), V::load(b), V::load(sum))); },
};

template <int count, class V>
void shifted(const typename V::Scalar* a, typename V::Scalar* to) {
  store(to, as_float(shift_left<count>(as_bits(V::load(a)))));
}

template <class V, class T = typename V::Scalar>
constexpr auto permuted_of() {
  void (*permutation)(const T*, const T*, T*) = nullptr;
  if constexpr (V::permutes)
    permutation = [](const T* a, const T* numbers, T* to) {
      uint8_t index[V::lanes];
      store_index(index, V::load(numbers));
      store(to, permuted(V::load(a), index));
    };
  return permutation;
}

template <class V, class Bits, int mantissa, class T = typename V::Scalar>
constexpr Computing<T, Bits> computing_of = {
    .arithmetic = arithmetic_of<V>,
    .transpose =
        [](const T* rows, T* columns) {
          V v[V::lanes];
          for (size_t i = 0; i < V::lanes; ++i) v[i] = V::load(rows + i * V::lanes);
          transpose(v);
          for (size_t i = 0; i < V::lanes; ++i) store(columns + i * V::lanes, v[i]);
        },
    .fold_across =
        [](const T* rows, T* to) {
          V v[V::lanes];
          for (size_t i = 0; i < V::lanes; ++i) v[i] = V::load(rows + i * V::lanes);
          store(to, fold_across(v));
        },
    .fold_lanes = [](const T* a) { return fold_lanes(V::load(a)); },
    .permuted = permuted_of<V>(),
    .subtract = [](const T* a, const T* b, T* to) { store(to, V::load(a) - V::load(b)); },
    .divide = [](const T* a, const T* b, T* to) { store(to, V::load(a) / V::load(b)); },
    .fma = [](const T* a, const T* b, const T* c, T* to) { store(to, fma(V::load(a), V::load(b), V::load(c))); },
    .scale_one_plus = [](const T* p, const T* n, const T* scale,
                         T* to) { store(to, scale_one_plus(V::load(p), V::load(n), V::load(scale))); },
    .zero_where_below_zero = [](const T* c, const T* a,
                                T* to) { store(to, zero_where(below_zero(V::load(c)), V::load(a))); },
    .zero_where_zero_or_below = [](const T* c, const T* a,
                                   T* to) { store(to, zero_where(zero_or_below(V::load(c)), V::load(a))); },
    .bits_of_zero_or_below = [](const T* c) -> uint64_t { return bits_of(zero_or_below(V::load(c))); },
    .broadcast_bits = [](Bits bits, T* to) { store(to, as_float(V::Bits::broadcast(bits))); },
    .through_bits = [](const T* a, T* to) { store(to, as_float(as_bits(V::load(a)))); },
    .min_signed = [](const T* a, const T* b,
                     T* to) { store(to, as_float(min_signed(as_bits(V::load(a)), as_bits(V::load(b))))); },
    .min_unsigned = [](const T* a, const T* b,
                       T* to) { store(to, as_float(min_unsigned(as_bits(V::load(a)), as_bits(V::load(b))))); },
    .add_bits = [](const T* a, const T* b, T* to) { store(to, as_float(as_bits(V::load(a)) + as_bits(V::load(b)))); },
    .shift_left_1 = shifted<1, V>,
    .shift_left_by_mantissa = shifted<mantissa, V>,
    .shift_left_most = shifted<8 * sizeof(Bits) - 1, V>,
};

template <class Element, class V = Patterns<Element>>
constexpr Moving<Element> moving = {
    .lanes = V::lanes,
    .zero_where_below_zero = [](const Element* c, const Element* a,
                                Element* to) { store(to, zero_where(below_zero(V::load(c)), V::load(a))); },
    .zero_where_zero_or_below = [](const Element* c, const Element* a,
                                   Element* to) { store(to, zero_where(zero_or_below(V::load(c)), V::load(a))); },
    .zero_where_bits = [](uint64_t word, size_t begin, const Element* a,
                          Element* to) { store(to, zero_where(V::mask_of(word, begin), V::load(a))); },
    .select_of_bits = [](uint64_t word, size_t begin, const Element* a, const Element* b,
                         Element* to) { store(to, select(V::mask_of(word, begin), V::load(a), V::load(b))); },
    .bits_of_zero_or_below = [](const Element* c) -> uint64_t { return bits_of(zero_or_below(V::load(c))); },
};

template <class V>
void freed_of_payload(const float* a, float* to) {
  store(to, without_payload(V::load(a)));
}

template <class V>
void multiplied(const Bfloat* a, const float* b, Bfloat* to) {
  store(to, V::load(b) * Patterns<Bfloat>::load(a));
}
template <class V>
constexpr auto multiplied_of() {
  void (*multiply)(const Bfloat*, const float*, Bfloat*) = nullptr;
  if constexpr (V::registers > 1) multiply = multiplied<V>;
  return multiply;
}

// Functions and not lambdas: those of the table itself would be other objects' to see.
template <class Element>
float widened_scalar(Element value) {
  return widen(value);
}

}  // namespace

extern const Vocabulary RECTIFY_VOCABULARY_TABLE;
constexpr Vocabulary RECTIFY_VOCABULARY_TABLE = {
    .backend = RECTIFY_VOCABULARY_BACKEND,
    .widen_half = widened_scalar,
    .widen_bfloat = widened_scalar,
    .f32 = memory_of<F32, float, float>,
    .f32_of_f16 = memory_of<F32, Half, float>,
    .f32_of_bf16 = memory_of<F32, Bfloat, float>,
    .f32_computing = computing_of<F32, uint32_t, 23>,
    .f32_without_payload = freed_of_payload<F32>,
    .bfloats = memory_of<BfloatVector, Bfloat, float>,
    .bfloats_of_f32 = memory_of<BfloatVector, float, float>,
    .bfloats_arithmetic = arithmetic_of<BfloatVector>,
    .bfloats_without_payload = freed_of_payload<BfloatVector>,
    .multiply_patterns = multiplied_of<BfloatVector>(),
    .f64 = memory_of<F64, double, double>,
    .f64_computing = computing_of<F64, uint64_t, 52>,
    .f16_patterns = memory_of<Patterns<Half>, Half, Half>,
    .bf16_patterns = memory_of<Patterns<Bfloat>, Bfloat, Bfloat>,
    .f16_moving = moving<Half>,
    .bf16_moving = moving<Bfloat>,
};

}  // namespace rectify::tests
