package Sample::Random;

# Random: numbers that depend on the seed and the line alone.
#
# A generator of our own, because rand() differs between builds of Perl and
# because a line must come out the same whichever lines were made before it.
# Each line has several independent streams, one for each purpose, so that a
# fault planted in a customer does not change what he bought.
#
# Every product here is of two factors below 2**32, so it is exact in Perl's
# 64-bit integers and nothing relies on overflow.
#
# Generator: PCG RXS-M-XS 32 (O'Neill 2014); mixing: the finalizer of MurmurHash3.
use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(set_seed start_stream below chance pick fingerprint scatter shuffled);

use constant MASK => 0xffffffff;

die "Sample::Random needs a perl with 64-bit integers\n" unless ~0 > MASK;

my ($seed_a, $seed_b) = (0, 0);
my ($state, $increment) = (0, 1);
my %key_of;

# A one-to-one mapping of 32-bit numbers without visible pattern.
sub mix
{
	my ($x) = @_;
	$x ^= $x >> 16;
	$x = $x * 0x85ebca6b & MASK;
	$x ^= $x >> 13;
	$x = $x * 0xc2b2ae35 & MASK;
	return $x ^ $x >> 16;
}

sub set_seed
{
	my ($seed) = @_;
	$seed_a = mix(mix($seed & MASK) ^ ($seed >> 32) ^ 0x6a09e667);
	$seed_b = mix($seed_a ^ 0xbb67ae85);
	%key_of = ();
	return;
}

# Begin the stream of a purpose (a small number) for a line.
sub start_stream
{
	my ($purpose, $line) = @_;
	$state = mix(mix($seed_a + $purpose & MASK) + $line & MASK);
	$increment = mix($line ^ mix($seed_b ^ $purpose)) | 1;
	return;
}

# A number in 0 .. limit - 1 from the current stream.
sub below
{
	$state = $state * 747796405 + $increment & MASK;
	my $word = ($state >> ($state >> 28) + 4 ^ $state) * 277803737 & MASK;
	return ($word >> 22 ^ $word) * $_[0] >> 32;
}

# True in so many of a thousand cases.
sub chance
{
	return below(1000) < $_[0];
}

sub pick
{
	return $_[0][ below(scalar @{ $_[0] }) ];
}

# A number in 0 .. 2**32 - 1 that belongs to (seed, purpose, number), no stream.
sub fingerprint
{
	my ($purpose, $number) = @_;
	my $key = $key_of{$purpose} //= mix($seed_b + $purpose & MASK);
	return mix($number & MASK ^ $key);
}

# Map 0 .. root**2 - 1 one-to-one onto itself (a Feistel network of four
# rounds): numbers that look random and yet never repeat, without memory.
sub scatter
{
	my ($purpose, $number, $root) = @_;
	my ($left, $right) = (int($number / $root) % $root, $number % $root);
	for my $round (1 .. 4)
	{
		my $turned = ($left + fingerprint($purpose * 8 + $round, $right)) % $root;
		$left = $right;
		$right = $turned;
	}
	return $left * $root + $right;
}

# The items in an order that the seed decides.
sub shuffled
{
	my ($purpose, @items) = @_;
	start_stream($purpose, 0);
	for my $last (reverse 1 .. $#items)
	{
		my $other = below($last + 1);
		@items[ $last, $other ] = @items[ $other, $last ];
	}
	return @items;
}

1;
