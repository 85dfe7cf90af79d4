// Requests of several buffers: writes that gather them, reads that scatter to them.
#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>

#include "mapwire/endpoints/detail/endpoint_impl.h"

namespace mapwire {

static_assert(kElementsMax == proto::kSgeMax);

Code Endpoint::Impl::admit_elements(const auto& elements) const {
  if (elements.size() > kElementsMax) return Code::kInvalidArgument;
  std::size_t bytes = 0;
  for (const auto& element : elements) {
    if (const Code code = admit(element.memory(), bytes); code != Code::kOk) return code;
    bytes += element.memory().size();
  }
  return admit({}, bytes);
}

// What is as small as a payload of one buffer is copied as that is.
bool Endpoint::Impl::copy_elements(proto::SendDescriptor& descriptor,
                                   std::span<const ConstBuffer> elements) {
  const auto slot = memory_->send_slot(sends_.next_position()).first(kBounceBytes);
  std::size_t bytes = 0;
  for (const ConstBuffer& element : elements) {
    if (element.memory().size() > slot.size() - bytes) return false;
    if (!element.memory().empty()) {
      std::ranges::copy(element.memory(), slot.subspan(bytes).begin());
    }
    bytes += element.memory().size();
  }
  if (bytes != 0) descriptor.sge[descriptor.sge_count++] = memory_->element(slot.first(bytes));
  return true;
}

template <class Buffer>
Code Endpoint::Impl::add_elements(proto::SendDescriptor& descriptor,
                                  std::span<const Buffer> elements, tlb::Use use,
                                  detail::PendingRequest& request) {
  std::array<tlb::TranslationId, kElementsMax> translations{};
  translations.fill(detail::kNoTranslation);
  Code code = Code::kOk;
  for (std::size_t i = 0; i < elements.size() && code == Code::kOk; ++i) {
    code = add_users(descriptor, elements[i], use, translations[i]);
  }
  if (path_->tlb() == nullptr) return code;
  const std::size_t position = sends_.next_position();
  request.translation = translations[0];
  request.gathered = static_cast<std::uint16_t>(position + 1);
  std::copy(translations.begin() + 1, translations.end(), sends_.gathered(position).begin());
  if (code == Code::kOk) return code;
  release(request);
  // They are in the way of one another.
  return code == Code::kWouldBlock && path_->tlb()->idle() ? Code::kLimitReached : code;
}

void Endpoint::Impl::release_elements(const detail::PendingRequest& request) {
  for (const tlb::TranslationId translation : sends_.gathered(request.gathered - 1U)) {
    if (translation != detail::kNoTranslation) path_->tlb()->release(translation);
  }
}

template <class Buffer>
Code Endpoint::Impl::post_elements(Operation operation, std::span<const Buffer> elements,
                                   RemoteBuffer remote, std::uint64_t cookie) {
  const std::lock_guard guard{path_->lock()};
  if (const Code code = admit_elements(elements); code != Code::kOk) return code;
  if (const Code code = admit_send(false); code != Code::kOk) return code;
  if (state_ != State::kOpen) return flush_at_once(operation, cookie);
  proto::SendDescriptor descriptor{.remote_address = remote.address, .rkey = remote.rkey};
  detail::PendingRequest request{.cookie = cookie, .operation = operation};
  if constexpr (std::same_as<Buffer, ConstBuffer>) {
    descriptor.opcode = proto::WorkOpcode::kWrite;
    if (copy_elements(descriptor, elements)) return submit(descriptor, request);
  } else {
    descriptor.opcode = proto::WorkOpcode::kRead;
  }
  const auto use = std::same_as<Buffer, ConstBuffer> ? tlb::Use::kSend : tlb::Use::kTarget;
  const Code code = add_elements(descriptor, elements, use, request);
  return code == Code::kOk ? submit(descriptor, request) : code;
}

template Code Endpoint::Impl::post_elements(Operation, std::span<const ConstBuffer>, RemoteBuffer,
                                            std::uint64_t);
template Code Endpoint::Impl::post_elements(Operation, std::span<const MutableBuffer>, RemoteBuffer,
                                            std::uint64_t);

}  // namespace mapwire
