// A user without rights whom nobody else is.
#pragma once

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace mapwire::testing {

// While one lives, this thread is of that user; the threads that are made meanwhile stay so. Wants
// root.
class UserOfItsOwn {
 public:
  static uid_t id() { return 200'000 + static_cast<uid_t>(::getpid()); }

  UserOfItsOwn() { EXPECT_EQ(::syscall(SYS_setresuid, id(), id(), 0), 0); }
  UserOfItsOwn(const UserOfItsOwn&) = delete;
  UserOfItsOwn& operator=(const UserOfItsOwn&) = delete;
  ~UserOfItsOwn() { ::syscall(SYS_setresuid, 0, 0, 0); }
};

}  // namespace mapwire::testing
