// For a program that is linked statically: the parts of the libraries below mapwire of which Debian
// has no static form. fmt and spdlog come with their text, of which this makes what the library
// wants; ISA-L does not, and zlib has the same CRC.
#include <fmt/format-inl.h>
#include <isa-l/crc.h>
#include <spdlog/common-inl.h>
#include <spdlog/details/backtracer-inl.h>
#include <spdlog/details/log_msg-inl.h>
#include <spdlog/details/log_msg_buffer-inl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/os-inl.h>
#include <spdlog/details/periodic_worker-inl.h>
#include <spdlog/details/registry-inl.h>
#include <spdlog/logger-inl.h>
#include <spdlog/pattern_formatter-inl.h>
#include <spdlog/sinks/ansicolor_sink-inl.h>
#include <spdlog/sinks/base_sink-inl.h>
#include <spdlog/sinks/sink-inl.h>
#include <spdlog/sinks/stdout_sinks-inl.h>
#include <zlib.h>

FMT_BEGIN_NAMESPACE
template auto detail::dragonbox::to_decimal(float) -> detail::dragonbox::decimal_fp<float>;
template auto detail::dragonbox::to_decimal(double) -> detail::dragonbox::decimal_fp<double>;
template auto detail::thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template auto detail::decimal_point_impl(locale_ref) -> char;
FMT_END_NAMESPACE

template class spdlog::sinks::stderr_sink<spdlog::details::console_mutex>;
template class spdlog::sinks::ansicolor_stdout_sink<spdlog::details::console_mutex>;
template class spdlog::sinks::ansicolor_sink<spdlog::details::console_mutex>;
template class spdlog::sinks::stdout_sink_base<spdlog::details::console_mutex>;

extern "C" std::uint32_t crc32_gzip_refl(std::uint32_t init_crc, const unsigned char* buf,
                                         std::uint64_t len) {
  return static_cast<std::uint32_t>(::crc32_z(init_crc, buf, len));
}
