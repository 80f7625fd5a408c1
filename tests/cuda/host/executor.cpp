#include "executor.hpp"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <cfenv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>

// The shared memory of a block, one after the other in this section: launch.cuh puts it there.
extern "C" {
[[gnu::weak, gnu::visibility("hidden")]] extern char __start_cuda_shared[];
[[gnu::weak, gnu::visibility("hidden")]] extern char __stop_cuda_shared[];
}

namespace rectify::executor {

Index thread_index, block_index, block_size, grid_size;

namespace {

constexpr unsigned warp_size = 32, most_threads = 1024;
constexpr size_t stack_bytes = size_t{64} << 10;

Order order = Order::ascending;
std::mt19937 random_numbers(1);
std::vector<Launch> waiting_launches;

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "CUDA executor: block %u, thread %u: %s\n", block_index.x, thread_index.x, message.c_str());
  std::abort();
}

std::string shown(const std::source_location& where) {
  return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

template <class T>
void put_in_order(std::vector<T>& items) {
  if (order == Order::descending) std::reverse(items.begin(), items.end());
  if (order == Order::shuffled) std::shuffle(items.begin(), items.end(), random_numbers);
}

std::vector<unsigned> ordered_indices(unsigned count) {
  std::vector<unsigned> indices(count);
  for (unsigned i = 0; i < count; ++i) indices[i] = i;
  put_in_order(indices);
  return indices;
}

// A fiber that runs threads to their end, one after the other. A thread that waits keeps its fiber, and another takes up
// those that have not begun; a kernel without barriers needs one fiber and never switches.
struct Worker {
  boost::context::fiber fiber;
  unsigned thread = 0;
  uint32_t value = 0;  // of an exchange: given, then received
  unsigned source = 0;
};

// Threads that meet: those of a block (`lanes` = 0) or the named ones of a warp.
struct Meeting {
  unsigned warp;
  uint32_t lanes;
  bool exchanges;
  std::source_location where;
  std::vector<Worker*> arrived;
};

class Block {
 public:
  void run(const Launch& launch) {
    body_ = &launch.body;
    size_ = launch.threads;
    to_begin_ = ordered_indices(size_);
    begun_ = ended_ = 0;
    while (ended_ < size_) {
      if (!ready_.empty()) {
        Worker* const worker = ready_.front();
        ready_.pop_front();
        resume(worker);
      } else if (begun_ < size_) {
        if (idle_.empty()) add_worker();
        Worker* const worker = idle_.back();
        idle_.pop_back();
        resume(worker);
      } else {
        report_deadlock();
      }
    }
    if (!meetings_.empty()) report_deadlock();
  }

  void meet(unsigned warp, uint32_t lanes, bool exchanges, const std::source_location& where) {
    const bool of_block = lanes == 0;
    if (!of_block && (lanes >> thread_index.x % warp_size & 1) == 0) {
      fail("at " + shown(where) + " it is not among the lanes it names");
    }
    auto meeting = std::find_if(meetings_.begin(), meetings_.end(), [&](const Meeting& other) {
      return other.lanes == lanes && (of_block || other.warp == warp);
    });
    if (meeting == meetings_.end()) {
      meetings_.push_back({warp, lanes, exchanges, where, {}});
      meeting = meetings_.end() - 1;
    } else if (meeting->where.line() != where.line() || meeting->where.column() != where.column() ||
               std::strcmp(meeting->where.file_name(), where.file_name()) != 0) {
      fail("waits at " + shown(where) + " while others wait at " + shown(meeting->where));
    }
    meeting->arrived.push_back(current_);
    release_those_complete();
    const Index index = thread_index;
    scheduler_ = std::move(scheduler_).resume();
    thread_index = index;
  }

  Worker& current() { return *current_; }

 private:
  void add_worker() {
    workers_.push_back(std::make_unique<Worker>());
    Worker* const worker = workers_.back().get();
    worker->fiber = boost::context::fiber(std::allocator_arg, boost::context::protected_fixedsize_stack(stack_bytes),
                                          [this, worker](boost::context::fiber&& scheduler) {
                                            scheduler_ = std::move(scheduler);
                                            while (true) {
                                              while (begun_ < size_ && ready_.empty()) {
                                                worker->thread = to_begin_[begun_++];
                                                thread_index = {worker->thread, 0, 0};
                                                (*body_)();
                                                ++ended_;
                                                release_those_complete();
                                              }
                                              idle_.push_back(worker);
                                              scheduler_ = std::move(scheduler_).resume();
                                            }
                                            return std::move(scheduler_);
                                          });
    idle_.push_back(worker);
  }

  void resume(Worker* worker) {
    current_ = worker;
    worker->fiber = std::move(worker->fiber).resume();
  }

  bool complete(const Meeting& meeting) const {
    if (meeting.lanes == 0) return meeting.arrived.size() + ended_ == size_;  // a thread that has ended is not waited for
    return meeting.arrived.size() == static_cast<size_t>(__builtin_popcount(meeting.lanes));
  }

  void release_those_complete() {
    for (size_t i = 0; i < meetings_.size();) {
      if (!complete(meetings_[i])) {
        ++i;
        continue;
      }
      Meeting meeting = std::move(meetings_[i]);
      meetings_.erase(meetings_.begin() + static_cast<std::ptrdiff_t>(i));
      if (meeting.exchanges) exchange_values(meeting);
      std::sort(meeting.arrived.begin(), meeting.arrived.end(),
                [](const Worker* a, const Worker* b) { return a->thread < b->thread; });
      put_in_order(meeting.arrived);
      ready_.insert(ready_.end(), meeting.arrived.begin(), meeting.arrived.end());
    }
  }

  static void exchange_values(const Meeting& meeting) {
    uint32_t given[warp_size];
    std::memset(given, 0xff, sizeof given);  // a lane that takes no part gives rubbish: a NaN
    for (const Worker* worker : meeting.arrived) given[worker->thread % warp_size] = worker->value;
    for (Worker* worker : meeting.arrived) worker->value = given[worker->source % warp_size];
  }

  [[noreturn]] void report_deadlock() const {
    std::ostringstream message;
    message << "deadlock: ";
    for (const Meeting& meeting : meetings_) {
      message << meeting.arrived.size() << " threads wait at " << shown(meeting.where) << "; ";
    }
    message << ended_ << " of " << size_ << " have ended";
    fail(message.str());
  }

  const std::function<void()>* body_ = nullptr;
  unsigned size_ = 0, begun_ = 0, ended_ = 0;
  std::vector<unsigned> to_begin_;
  std::vector<Meeting> meetings_;
  std::deque<Worker*> ready_;
  std::vector<Worker*> idle_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Worker* current_ = nullptr;
  boost::context::fiber scheduler_;
};

// Kept from launch to launch with its fibers.
Block& the_block() {
  static Block block;
  return block;
}

void run(const Launch& launch) {
  block_size = {launch.threads, 1, 1};
  grid_size = {launch.blocks, 1, 1};
  const unsigned blocks = std::min(launch.blocks, device().blocks_run);
  for (const unsigned block : ordered_indices(blocks)) {
    block_index = {launch.blocks - blocks + block, 0, 0};
    // Shared memory holds whatever it held: NaNs, which no sum survives.
    std::fill(__start_cuda_shared, __stop_cuda_shared, '\xff');
    the_block().run(launch);
  }
}

}  // namespace

Device& device() {
  static Device device;
  return device;
}

void set_order(Order chosen) { order = chosen; }

void enqueue(Launch launch) {
  if (launch.blocks == 0 || launch.threads == 0 || launch.threads > most_threads) fail("a launch that a GPU refuses");
  waiting_launches.push_back(std::move(launch));
}

const std::vector<Launch>& queue() { return waiting_launches; }

void synchronise() {
  std::fenv_t of_caller;
  std::fegetenv(&of_caller);
  std::fesetenv(FE_DFL_ENV);
  for (const Launch& launch : std::exchange(waiting_launches, {})) run(launch);
  std::fesetenv(&of_caller);
}

void block_barrier(std::source_location where) { the_block().meet(0, 0, false, where); }

void warp_barrier(uint32_t lanes, std::source_location where) {
  the_block().meet(thread_index.x / warp_size, lanes, false, where);
}

uint32_t exchange(uint32_t lanes, uint32_t value, unsigned source, std::source_location where) {
  Worker& worker = the_block().current();
  worker.value = value;
  worker.source = source;
  the_block().meet(thread_index.x / warp_size, lanes, true, where);
  return worker.value;
}

}  // namespace rectify::executor
