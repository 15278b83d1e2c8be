// SPDX-License-Identifier: Apache-2.0
/*
 * RE2 as Falco drives it, behind a pipe: patterns and texts in, acceptance and answers out. Knows nothing of Tercel.
 *
 * A request is four bytes of length (little endian) and the pattern, then four bytes of count and as many texts, each
 * with its length before it. The answer is a byte 1 and a byte 0 or 1 for each text, or a byte 0, a length and RE2's
 * reason, cut. The length 0xffffffff asks for the answers so far to be sent.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <re2/re2.h>

static const uint32_t flush_request = UINT32_MAX;

static bool read_u32(uint32_t &value)
{
	unsigned char b[4];

	if (fread(b, 1, sizeof(b), stdin) != sizeof(b))
		return false;
	value = b[0] | static_cast<uint32_t>(b[1]) << 8 | static_cast<uint32_t>(b[2]) << 16 |
	        static_cast<uint32_t>(b[3]) << 24;
	return true;
}

static void read_bytes(std::string &out, uint32_t len)
{
	out.resize(len);
	if (len && fread(&out[0], 1, len, stdin) != len)
		exit(1);
}

static std::string read_text()
{
	uint32_t len;
	std::string text;

	if (!read_u32(len))
		exit(1);
	read_bytes(text, len);
	return text;
}

static void write_text(const std::string &text)
{
	for (int shift = 0; shift < 32; shift += 8)
		putchar(static_cast<int>(text.size() >> shift & 0xff));
	fwrite(text.data(), 1, text.size(), stdout);
}

int main()
{
	re2::RE2::Options options(re2::RE2::POSIX);
	uint32_t len;

	options.set_log_errors(false);
	while (read_u32(len)) {
		uint32_t memory, count;
		std::string pattern;

		if (len == flush_request) {
			fflush(stdout);
			continue;
		}
		read_bytes(pattern, len);
		if (!read_u32(memory) || !read_u32(count))
			return 1;
		options.set_max_mem(memory ? memory : re2::RE2::Options::kDefaultMaxMem);
		std::vector<std::string> texts(count);
		for (auto &text : texts)
			text = read_text();
		re2::RE2 re(pattern, options);
		putchar(re.ok());
		if (!re.ok()) {
			write_text(re.error().substr(0, 200));
			continue;
		}
		for (const auto &text : texts)
			putchar(re.Match(text, 0, text.size(), re2::RE2::ANCHOR_BOTH, nullptr, 0));
	}
	return 0;
}
