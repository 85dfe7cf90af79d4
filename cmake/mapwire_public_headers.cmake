# What is installed, and all that tools/ and examples/ can include: the faces of endpoints/ and
# what these include. tests/house checks that the list is closed.
set(mapwire_public_headers
  endpoints/async.h
  endpoints/async_window.h
  endpoints/c_api.h
  endpoints/completion.h
  endpoints/context.h
  endpoints/endpoint.h
  endpoints/error_category.h
  endpoints/listener.h
  endpoints/memory.h
  endpoints/route.h
  endpoints/window.h
  proto/address.h
  proto/code.h
  proto/descriptor.h
  runtime/clock.h
  runtime/counter_reader.h
  runtime/error.h
  runtime/log_level.h
  runtime/nic.h
  runtime/nic_choice.h
  runtime/options.h
  runtime/quantity.h
  runtime/verbs/verbs_device.h
  runtime/version.h
)
