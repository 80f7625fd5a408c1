// The backends in priority order and the one word that says which of them may run here.
#include "dispatch/select.hpp"

#include <rectify/rectify.h>

#include <atomic>
#include <bit>
#include <cstdlib>
#include <string_view>

#include "dispatch/cpu_features.hpp"

namespace rectify {

extern const Backend avx512_backend, avx2_backend, neon_backend, scalar_backend;

namespace {

// Constant data, no constructors: nothing runs before main, and a static archive cannot drop an entry.
constexpr const Backend* backends[] = {
#if defined(RECTIFY_BACKEND_AVX512)
    &avx512_backend,
#endif
#if defined(RECTIFY_BACKEND_AVX2)
    &avx2_backend,
#endif
#if defined(RECTIFY_BACKEND_NEON)
    &neon_backend,
#endif
    &scalar_backend,
};
constexpr size_t backend_count = sizeof backends / sizeof backends[0];

// Names are a few letters: comparing them here is quicker than a call.
size_t find(std::string_view name) noexcept {
  const auto is = [name](const char* known) {
    for (const char c : name) {
      if (*known++ != c) return false;
    }
    return *known == '\0';
  };
  size_t index = 0;
  while (index < backend_count && !is(backends[index]->name)) ++index;
  return index;
}

// What this process may run: one bit per backend, in priority order, and the status of RECTIFY_ISA. Worked out at the first
// call; threads that meet there find the same. Aligned as one word: Clang otherwise calls libatomic.
struct alignas(8) Offer {
  uint32_t available = 0;
  int32_t status = -1;  // not yet worked out
};
static_assert(std::atomic<Offer>::is_always_lock_free);
std::atomic<Offer> cached_offer{};

[[gnu::noinline]] Offer work_out_offer() noexcept {
  const uint32_t features = cpu_features();
  uint32_t runnable = 0;
  for (size_t i = 0; i < backend_count; ++i) {
    if ((backends[i]->required_features & ~features) == 0) runnable |= 1u << i;
  }
  const char* variable = std::getenv("RECTIFY_ISA");
  if (variable == nullptr || *variable == '\0') return {runnable, RECTIFY_OK};

  uint32_t allowed = 0;
  for (std::string_view list = variable;;) {
    const size_t comma = list.find(',');
    const size_t index = find(list.substr(0, comma));
    if (index == backend_count) return {0, RECTIFY_ERROR_UNKNOWN_BACKEND};
    if (!(runnable >> index & 1)) return {0, RECTIFY_ERROR_UNAVAILABLE_BACKEND};
    allowed |= 1u << index;
    if (comma == list.npos) return {allowed, RECTIFY_OK};
    list.remove_prefix(comma + 1);
  }
}

Offer offer() noexcept {
  Offer known = cached_offer.load(std::memory_order_relaxed);
  if (known.status < 0) {
    known = work_out_offer();
    cached_offer.store(known, std::memory_order_relaxed);
  }
  return known;
}

// Out of line: it would cost the calls that name none.
[[gnu::noinline]] int32_t select_named(Offer offered, const char* name, const Backend** backend) noexcept {
  const size_t index = find(name);
  if (index == backend_count) return RECTIFY_ERROR_UNKNOWN_BACKEND;
  if (!(offered.available >> index & 1)) return RECTIFY_ERROR_UNAVAILABLE_BACKEND;
  *backend = backends[index];
  return RECTIFY_OK;
}

}  // namespace

constinit std::atomic<const Backend*> known_best = nullptr;

int32_t select_backend(const char* name, const Backend** backend) noexcept {
  const Offer offered = offer();
  if (offered.status != RECTIFY_OK) return offered.status;
  if (name != nullptr) return select_named(offered, name, backend);
  *backend = backends[std::countr_zero(offered.available)];
  known_best.store(*backend, std::memory_order_relaxed);
  return RECTIFY_OK;
}

}  // namespace rectify

extern "C" {

const char* rectify_backend_name(size_t index) noexcept {
  using namespace rectify;
  return index < backend_count ? backends[index]->name : nullptr;
}

int32_t rectify_backend_available(const char* name) noexcept {
  const rectify::Backend* backend;
  return name == nullptr ? RECTIFY_ERROR_NULL_POINTER : rectify::select_backend(name, &backend);
}
}
