// A call runs the kernels of the backend it names, and no other's: there is a breakpoint on the first instruction of every
// kernel of every backend while the call runs. The name that the library gives could be wrong; this cannot.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dispatch/select.hpp"
#include "kernels/backend.hpp"
#include "rectify/rectify.h"
#include "tests/support/backends.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/public_calls.hpp"

namespace rectify::tests {
namespace {

#if defined(__x86_64__)
using Instruction = uint8_t;
constexpr Instruction trap = 0xcc;  // int3
#elif defined(__aarch64__)
using Instruction = uint32_t;
constexpr Instruction trap = 0xd4200000;  // brk #0
#endif

// Notes that the code at an address is reached, once, and lets it run.
class Breakpoint {
 public:
  explicit Breakpoint(const void* address) : address_(reinterpret_cast<uintptr_t>(address)) {
    std::memcpy(&original_, address, sizeof original_);
    write(trap);
  }
  Breakpoint(const Breakpoint&) = delete;
  Breakpoint& operator=(const Breakpoint&) = delete;
  ~Breakpoint() { write(original_); }

  uintptr_t address() const { return address_; }
  bool reached() const { return reached_; }
  void reach() {
    reached_ = true;
    write(original_);
  }

 private:
  void write(Instruction instruction) {
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), begin = address_ & ~(page - 1);
    void* const pages = reinterpret_cast<void*>(begin);
    const size_t bytes = address_ + sizeof instruction - begin;
    char* const code = reinterpret_cast<char*>(address_);
    if (mprotect(pages, bytes, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) abort();
    std::memcpy(code, &instruction, sizeof instruction);
    __builtin___clear_cache(code, code + sizeof instruction);
    if (mprotect(pages, bytes, PROT_READ | PROT_EXEC) != 0) abort();
  }

  uintptr_t address_;
  Instruction original_;
  volatile bool reached_ = false;
};

std::vector<std::unique_ptr<Breakpoint>>* breakpoints = nullptr;

void on_trap(int, siginfo_t*, void* context) {
  ucontext_t& interrupted = *static_cast<ucontext_t*>(context);
#if defined(__x86_64__)
  greg_t& next = interrupted.uc_mcontext.gregs[REG_RIP];
  const uintptr_t address = static_cast<uintptr_t>(next) - 1;  // past the int3
  next = static_cast<greg_t>(address);
#elif defined(__aarch64__)
  const uintptr_t address = interrupted.uc_mcontext.pc;
#endif
  for (const std::unique_ptr<Breakpoint>& breakpoint : *breakpoints) {
    if (breakpoint->address() == address) return breakpoint->reach();
  }
  abort();  // not ours
}

struct Kernel {
  std::string name;  // avx2.elu_forward
  const void* address;
};

std::vector<Kernel> kernels_of(const std::string& name) {
  const Backend* backend = nullptr;
  EXPECT_EQ(select_backend(name.c_str(), &backend), RECTIFY_OK);
  std::vector<Kernel> kernels;
#define RECTIFY_ADD(activation, direction) \
  kernels.push_back(                       \
      {name + "." #activation "_" #direction, reinterpret_cast<const void*>(backend->f32.activation##_##direction)});
  RECTIFY_MAPS(RECTIFY_ADD)
  RECTIFY_SUMS(RECTIFY_ADD)
#undef RECTIFY_ADD
  kernels.push_back({name + ".fold", reinterpret_cast<const void*>(backend->f32.fold)});
  return kernels;
}

// The kernels that a call is meant to run: Leaky ReLU is PReLU with one slope.
std::set<std::string> expected_kernels(const std::string& backend, const PublicCall& call) {
  std::string operation = call.name.substr(0, call.name.find(','));
  if (operation.starts_with("leaky_")) operation.replace(0, 6, 1, 'p');
  if (call.sum_count == 0) return {backend + "." + operation};
  return {backend + "." + operation + "_with_parameter", backend + ".fold"};
}

class KernelsReached : public OnEachBackend {};
RECTIFY_ON_EACH_BACKEND(KernelsReached);

TEST_P(KernelsReached, AreThoseOfTheBackendAskedFor) {
  constexpr size_t n = 120000;  // more than one task: then a sum is folded
  std::vector<PublicCall> calls;
  add_flat_calls(calls, n, 0.1, 1.0);
  add_shaped_calls(calls, {2, 3, 20000});
  add_shaped_calls(calls, {1200, 96, 1});
  const std::vector<float> x = ordinary_values(n, 1), dy = ordinary_values(n, 2), slope = ordinary_values(100, 3);
  options.threads = 1;

  std::vector<Kernel> kernels;
  std::set<const void*> addresses;
  for (const std::string& name : compiled_backends()) {
    if (!is_available(name)) continue;
    for (const Kernel& kernel : kernels_of(name)) {
      EXPECT_TRUE(addresses.insert(kernel.address).second) << kernel.name << " is another kernel too";
      kernels.push_back(kernel);
    }
  }

  struct sigaction action = {}, previous;
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGTRAP, &action, &previous), 0);
  for (const PublicCall& call : calls) {
    std::vector<std::unique_ptr<Breakpoint>> set;
    for (const Kernel& kernel : kernels) set.push_back(std::make_unique<Breakpoint>(kernel.address));
    breakpoints = &set;
    const int32_t status = run_call(call, x.data(), dy.data(), slope.data(), &options).status;
    std::set<std::string> reached;
    for (size_t i = 0; i < set.size(); ++i) {
      if (set[i]->reached()) reached.insert(kernels[i].name);
    }
    set.clear();
    EXPECT_EQ(status, RECTIFY_OK) << call;
    EXPECT_EQ(reached, expected_kernels(GetParam(), call)) << call;
  }
  sigaction(SIGTRAP, &previous, nullptr);
}

}  // namespace
}  // namespace rectify::tests
