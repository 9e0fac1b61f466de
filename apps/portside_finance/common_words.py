"""English words that are also company names, and what tells the two apart."""

from __future__ import annotations

__all__ = ["COMMON_WORDS", "COMPANY_CONTEXT", "LEGAL_ENDINGS", "NEVER_ALONE", "SENTENCE_STARTERS"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


COMMON_WORDS = _words(
    """
    academy access advance advantage agilent agility align alliance ally alpha amazon ambition analog anchor apex
    apple aptiv arch assurant atlas aurora avalon avenue axis ball banner beacon beam berry best block bloom bolt
    bond booking boston bounty branch brave breeze bridge bright buckle bulwark bunge cable camden campbell candle
    canvas canyon capital cardinal carnival carrier cars cascade castle catalent century chain champion charter
    chase chubb church cincinnati circle citizens city clear clorox cloud clover coach coast comfort compass concord
    constellation copart copper coral core corning cosmos cotton court crane creek crest cross crown crystal current
    dash dawn delivery delta devon diamond digital discover discovery dollar dominion dover dow drift duke eagle
    eastern eaton echo edge edison ember emerald empire energy engine entergy envoy epic equity essex ever everest
    evergreen express extra fair falcon fathom field fire first five flag flame flow focus ford forest forge fortive
    fortune foundation fox franklin fresh front frontier fusion future galaxy gap garmin gartner gateway gather
    general genuine giant glass global globe gold grab grand granite gravity green grove growth guardian guide
    harbor harbour harvest hasbro haven hawk hearth heritage hess hill home honest hope horizon host huntington icon
    ideal illumina impact imperial independence insight intuit invitation iris iron island jacobs jade jet journey
    junction juniper justice key keystone kimberly kite kraft ladder lake lamb lantern launch laurel leader leap
    legacy legend level liberty light lily lincoln lion live lodge loop lotus lowe lowes loyal lumen lyft lynx
    magnet maple marathon match max mercury meridian merit meta method mid mill mint mirror moment monument moon
    mosaic motion mountain national native nature nest network news next noble nordstrom north norwegian nova now
    nucor oak oasis ocean olive omega onward opal open oracle orange orbit orchard origin outlook packaging palm
    panther paragon paramount parker path patriot peak pearl pillar pilot pinnacle pioneer planet platform polar
    polaris pool port portal power prairie precision premier prime principal prism progress progressive promise
    prospect public pulse quality quantum quest radiant rally range raymond reach ready regions relay reliance
    republic resolve ridge rise river robin rocket root rose ross royal safe sage sail sands sapphire schwab scout
    sea sealed sentinel shell sherwin shield shore signal signature silver simon sky skyworks smart snap snowflake
    solid sonic source southern southwest spark spear sphere spirit splash spring sprint spruce square stable
    stanley staples star state steel stellar sterling stone strategy stream stride summit sun sunrise surge swift
    sysco table tapestry target tempo terra textron thrive tide tiger titan torch tower tractor trail transit
    treasure tribune trident triumph trust turquoise twist tyson uber ulta under union unite united unity universal
    upland urban vale valero vanguard vantage vector velocity ventas venture verizon vertex vertical viacom victory
    virgin visa vision vista vital volt voyage vulcan wallet waters wave wayfair weeks welcome west western whale
    whirlpool williams willow wind window wing winter wish wolf wonder workday yum zenith zest zoom
    """
)
"""Lower case. A company name that is one of these needs more than a capital letter where capitals prove nothing."""

COMPANY_CONTEXT = _words(
    """
    acquires agrees announces appoints bank beats board boosts buys ceo cfo chairman chief closes co company corp
    customers cuts deal debt declares dividend drops earnings employees expects faces falls files fires forecasts
    gains group hires hits inc investors invests jumps launches lays ltd misses names opens partners plans plc
    plunges posts profit profits quarter quarterly raises recalls reports results revenue rises sales says sees
    sells settles shareholders shares slashes slides slumps soars stake stock stocks stores sues suppliers surges
    suspends to tumbles unit unveils warns will workers
    """
)
"""Words that, right after such a name, say that a company is meant."""

LEGAL_ENDINGS = _words(
    """
    ab ag asa co companies company corp corporation group holding holdings inc incorporated limited llc lp ltd nv
    oyj plc sa sarl se spa the
    """
)
"""Endings that headlines leave out."""

NEVER_ALONE = _words(
    """
    american bank dow eastern federal first general global international nasdaq national news northern public
    republic southern state trust union united universal western
    """
)
"""Too little for a name when it is all that is left after the ending was taken off; an alias of the list may be."""

SENTENCE_STARTERS = _words(
    """
    a after and are as at before but can ceo could did do does eu exclusive for from has have how if in inside is
    like meet of on over should since than that the these this to uk us was we were what when where which while who
    why will with would you
    """
)
"""A capital on the word before a name is no part of the name where it is one of these."""
