package Sample::Fault;

# Fault: what can be wrong with a customer, planted on purpose.
#
# A fault changes the customer and returns "field:reason", or nothing where it
# does not fit.  It closes the fields that a second fault must not touch, or
# the verdict on the first would no longer be certain (a birth date cannot
# contradict an identity number that is itself unreadable).
use strict;
use warnings;

use Exporter 'import';

use Sample::Number;
use Sample::Place;
use Sample::Random;

our @EXPORT = qw(plant_faults);

use constant FAULT => 3;

# Leading digits that GB/T 2260 never assigned.
my @NO_PROVINCE = qw(10 16 17 18 19 24 25 26 27 28 29 38 39 40 47 48 49 56 57 58 59 67 68 69 74 75 76);
my @UNREADABLE  = ("\x01", "\x07", "\x08", "\x1b", "\x7f", "\xef\xbf\xbd");
my @NO_DATE     = qw(0230 0431 0631 0931 1131 1301 0015 0100);

my @ALL = qw(kind name document sex birth_date phone email bank_card address);
my @DOCUMENT = qw(document sex birth_date);

sub has_resident_id { return $_[0]{document_kind} eq 'resident_id' }
sub is_person       { return $_[0]{kind} eq 'individual' }

# The identity number with another body and the check digit that belongs to it.
sub renumber
{
	my ($customer, $body) = @_;
	$customer->{document_number} = $body . resident_check($body);
	return;
}

# The date column would only repeat what the broken number tried to say.
sub forget_birth
{
	my ($customer) = @_;
	@$customer{qw(sex birth_date)} = ('', '');
	return;
}

sub wrong_check_digit
{
	my ($customer) = @_;
	my $number = $customer->{document_number};
	return unless $customer->{document_kind} =~ /^(?:resident_id|uscc)$/;
	my $right = substr $number, -1;
	my @others = grep { $_ ne $right } 0 .. 9;
	$customer->{document_number} = substr($number, 0, 17) . pick(\@others);
	return 'document_number:check_digit';
}

sub impossible_number_date
{
	my ($customer) = @_;
	return unless has_resident_id($customer);
	my $body = substr $customer->{document_number}, 0, 17;
	substr $body, 10, 4, pick(\@NO_DATE);
	renumber($customer, $body);
	forget_birth($customer);
	return 'document_number:date';
}

sub unassigned_region
{
	my ($customer) = @_;
	return unless has_resident_id($customer);
	my $body = substr $customer->{document_number}, 0, 17;
	substr $body, 0, 2, pick(\@NO_PROVINCE);
	renumber($customer, $body);
	return 'document_number:region';
}

sub lost_digit
{
	my ($customer) = @_;
	return unless $customer->{document_kind} =~ /^(?:resident_id|uscc)$/;
	substr $customer->{document_number}, 8 + below(8), 1, '';
	return 'document_number:length';
}

sub letter_in_number
{
	my ($customer) = @_;
	return unless has_resident_id($customer);
	substr $customer->{document_number}, 8 + below(8), 1, pick([qw(O B Z)]);
	return 'document_number:character';
}

sub unknown_document
{
	my ($customer) = @_;
	return unless $customer->{document_kind} ne '';
	$customer->{document_kind} = pick([qw(library_card membership id_card_2)]);
	return 'document_kind:kind';
}

sub other_sex
{
	my ($customer) = @_;
	return unless has_resident_id($customer);
	$customer->{sex} = $customer->{_sex} eq 'M' ? 'F' : 'M';
	return 'sex:contradiction';
}

sub other_birth_date
{
	my ($customer) = @_;
	return unless has_resident_id($customer);
	my ($year, $month) = unpack 'x6 a4 a2', $customer->{document_number};

	# The tenth is in every month; another year makes it a contradiction at once.
	$customer->{birth_date} = sprintf '%04d-%02d-10', $year - 1 - below(9), $month;
	return 'birth_date:contradiction';
}

sub impossible_birth_date
{
	my ($customer) = @_;
	return unless is_person($customer);
	my $day = (1935 + below(74)) . pick(\@NO_DATE);
	$customer->{birth_date} = grouped('-', $day, 4, 2, 2);
	return 'birth_date:date';
}

sub unassigned_phone
{
	my ($customer) = @_;
	$customer->{phone} = sprintf '12%d%04d%04d', below(10), below(10_000), below(10_000);
	return 'phone:prefix';
}

sub long_phone
{
	my ($customer) = @_;
	$customer->{phone} = '13' . (5 + below(5)) . sprintf '%04d%05d', below(10_000), below(100_000);
	return 'phone:length';
}

sub letter_in_phone
{
	my ($customer) = @_;
	my $phone = '13' . (5 + below(5)) . sprintf '%04d%04d', below(10_000), below(10_000);
	substr $phone, 3 + below(8), 1, pick([qw(O l B)]);
	$customer->{phone} = $phone;
	return 'phone:character';
}

sub bad_email
{
	my ($customer) = @_;
	my $number = below(10_000);
	$customer->{email} = pick([
		"user$number.example.com", "user$number\@\@example.com", "user$number\@example",
		"user..$number\@example.org", ".user$number\@example.com", "user $number\@example.com",
		"user$number\@-example.com", "\@example.com",
	]);
	return $customer->{email} =~ / / ? 'email:character' : 'email:form';
}

sub missing_name
{
	my ($customer) = @_;
	$customer->{name} = '';
	return 'name:required';
}

sub missing_contact
{
	my ($customer) = @_;
	return if $customer->{kind} eq 'group';    # a group may be without
	@$customer{qw(phone email address)} = ('', '', '');
	return 'contact:required';
}

sub wrong_kind
{
	my ($customer) = @_;
	$customer->{kind} = pick([qw(persona vip 0 indiv1dual unknown)]);
	return 'kind:kind';
}

sub missing_kind
{
	my ($customer) = @_;
	$customer->{kind} = '';
	return 'kind:required';
}

sub unreadable_name
{
	my ($customer) = @_;
	$customer->{name} .= pick(\@UNREADABLE);
	return 'name:character';
}

sub digit_in_name
{
	my ($customer) = @_;
	return unless is_person($customer);
	$customer->{name} .= below(10);
	return 'name:character';
}

sub unreadable_address
{
	my ($customer) = @_;
	return unless $customer->{address} ne '';
	$customer->{address} .= pick(\@UNREADABLE) . '号';
	return 'address:character';
}

sub address_without_division
{
	my ($customer) = @_;
	$customer->{address} = street_address();
	return 'address:division';
}

sub wrong_card
{
	my ($customer) = @_;
	return unless $customer->{bank_card} ne '';
	my $right = chop $customer->{bank_card};
	$customer->{bank_card} .= ($right + 1 + below(9)) % 10;
	return 'bank_card:check_digit';
}

# What plants it, and the fields that it closes.
my @FAULTS = (
	[ \&wrong_check_digit,        @DOCUMENT ],
	[ \&impossible_number_date,   @DOCUMENT ],
	[ \&unassigned_region,        @DOCUMENT ],
	[ \&lost_digit,               @DOCUMENT ],
	[ \&letter_in_number,         @DOCUMENT ],
	[ \&unknown_document,         @DOCUMENT ],
	[ \&other_sex,                'document', 'sex' ],
	[ \&other_birth_date,         'document', 'birth_date' ],
	[ \&impossible_birth_date,    'document', 'birth_date' ],
	[ \&unassigned_phone,         'phone' ],
	[ \&long_phone,               'phone' ],
	[ \&letter_in_phone,          'phone' ],
	[ \&bad_email,                'email' ],
	[ \&missing_name,             'name' ],
	[ \&missing_contact,          'phone', 'email', 'address' ],
	[ \&wrong_kind,               @ALL ],
	[ \&missing_kind,             @ALL ],
	[ \&unreadable_name,          'name' ],
	[ \&digit_in_name,            'name' ],
	[ \&unreadable_address,       'address' ],
	[ \&address_without_division, 'address' ],
	[ \&wrong_card,               'bank_card' ],
);

# Spoil the customer in one to three ways; the reasons in the order of columns.
sub plant_faults
{
	my ($customer, $line) = @_;
	my (%closed, @reasons);

	start_stream(FAULT, $line);
	my $share = below(100);
	my $wanted = $share < 80 ? 1 : $share < 95 ? 2 : 3;
	for (1 .. 40)
	{
		last if @reasons == $wanted;
		my ($plant, @fields) = @{ pick(\@FAULTS) };
		next if grep { $closed{$_} } @fields;
		my $reason = $plant->($customer) // next;
		$closed{$_} = 1 for @fields;
		push @reasons, $reason;
	}
	return in_column_order(@reasons);
}

sub in_column_order
{
	my $at = 0;
	my %place = map { $_ => $at++ } qw(kind name document_kind document_number sex birth_date
		contact phone email bank_card address);
	return sort { $place{ $a =~ s/:.*//r } <=> $place{ $b =~ s/:.*//r } } @_;
}

1;
