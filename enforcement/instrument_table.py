"""The instruments PropGuard knows out of the box.

Futures: the 67 contracts whose tick size and tick value could be sourced (Lean's symbol properties of
2026-08-21, cross-checked with CME's own pages). A row reads: symbol, name, exchange, tick size, tick
value in US dollars, weight in mini equivalents, family (the underlying a mini and its micros share),
group of correlated products.

Forex and metals are quoted for one lot (100,000 units; gold 100 oz, silver 5,000 oz), index CFDs for
one lot of 1 unit of the index's currency a point, as most proprietary firms' platforms have it. A firm
that differs gets its own symbol in the admin.
"""

FUTURES = """
ES   | E-mini S&P 500          | CME   | 0.25       | 12.50   | 1   | ES  | equity_index
MES  | Micro E-mini S&P 500    | CME   | 0.25       | 1.25    | 0.1 | ES  | equity_index
NQ   | E-mini Nasdaq-100       | CME   | 0.25       | 5.00    | 1   | NQ  | equity_index
MNQ  | Micro E-mini Nasdaq-100 | CME   | 0.25       | 0.50    | 0.1 | NQ  | equity_index
YM   | E-mini Dow              | CBOT  | 1          | 5.00    | 1   | YM  | equity_index
MYM  | Micro E-mini Dow        | CBOT  | 1          | 0.50    | 0.1 | YM  | equity_index
RTY  | E-mini Russell 2000     | CME   | 0.1        | 5.00    | 1   | RTY | equity_index
M2K  | Micro E-mini Russell 2000 | CME | 0.1        | 0.50    | 0.1 | RTY | equity_index
EMD  | E-mini S&P MidCap 400   | CME   | 0.1        | 10.00   | 1   | EMD | equity_index
NKD  | Nikkei 225 (dollar)     | CME   | 5          | 25.00   | 1   | NKD | equity_index
CL   | Crude oil WTI           | NYMEX | 0.01       | 10.00   | 1   | CL  | energy
QM   | E-mini crude            | NYMEX | 0.025      | 12.50   | 1   | CL  | energy
MCL  | Micro crude             | NYMEX | 0.01       | 1.00    | 0.1 | CL  | energy
BZ   | Brent last day          | NYMEX | 0.01       | 10.00   | 1   | BZ  | energy
NG   | Natural gas             | NYMEX | 0.001      | 10.00   | 1   | NG  | energy
QG   | E-mini natural gas      | NYMEX | 0.005      | 12.50   | 1   | NG  | energy
MNG  | Micro natural gas       | NYMEX | 0.001      | 1.00    | 0.1 | NG  | energy
RB   | RBOB gasoline           | NYMEX | 0.0001     | 4.20    | 1   | RB  | energy
HO   | NY Harbor ULSD          | NYMEX | 0.0001     | 4.20    | 1   | HO  | energy
GC   | Gold                    | COMEX | 0.1        | 10.00   | 1   | GC  | metals
QO   | E-mini gold             | COMEX | 0.25       | 12.50   | 1   | GC  | metals
MGC  | Micro gold              | COMEX | 0.1        | 1.00    | 0.1 | GC  | metals
1OZ  | One-ounce gold          | COMEX | 0.25       | 0.25    | 0.1 | GC  | metals
SI   | Silver                  | COMEX | 0.005      | 25.00   | 1   | SI  | metals
QI   | E-mini silver           | COMEX | 0.0125     | 31.25   | 1   | SI  | metals
SIL  | Micro silver, 1,000 oz  | COMEX | 0.005      | 5.00    | 0.1 | SI  | metals
HG   | Copper                  | COMEX | 0.0005     | 12.50   | 1   | HG  | metals
MHG  | Micro copper            | COMEX | 0.0005     | 1.25    | 0.1 | HG  | metals
PL   | Platinum                | NYMEX | 0.1        | 5.00    | 1   | PL  | metals
PA   | Palladium               | NYMEX | 0.5        | 50.00   | 1   | PA  | metals
ZB   | 30-year bond            | CBOT  | 0.03125    | 31.25   | 1   | ZB  | rates
UB   | Ultra bond              | CBOT  | 0.03125    | 31.25   | 1   | UB  | rates
ZN   | 10-year note            | CBOT  | 0.015625   | 15.625  | 1   | ZN  | rates
TN   | Ultra 10-year           | CBOT  | 0.015625   | 15.625  | 1   | TN  | rates
ZF   | 5-year note             | CBOT  | 0.0078125  | 7.8125  | 1   | ZF  | rates
ZT   | 2-year note             | CBOT  | 0.00390625 | 7.8125  | 1   | ZT  | rates
6E   | Euro FX                 | CME   | 0.00005    | 6.25    | 1   | 6E  | currencies
E7   | E-mini euro             | CME   | 0.0001     | 6.25    | 1   | 6E  | currencies
M6E  | Micro EUR/USD           | CME   | 0.0001     | 1.25    | 0.1 | 6E  | currencies
6B   | British pound           | CME   | 0.0001     | 6.25    | 1   | 6B  | currencies
M6B  | Micro GBP/USD           | CME   | 0.0001     | 0.625   | 0.1 | 6B  | currencies
6A   | Australian dollar       | CME   | 0.00005    | 5.00    | 1   | 6A  | currencies
M6A  | Micro AUD/USD           | CME   | 0.0001     | 1.00    | 0.1 | 6A  | currencies
6J   | Japanese yen            | CME   | 0.0000005  | 6.25    | 1   | 6J  | currencies
J7   | E-mini yen              | CME   | 0.000001   | 6.25    | 1   | 6J  | currencies
MJY  | Micro JPY/USD           | CME   | 0.000001   | 1.25    | 0.1 | 6J  | currencies
6C   | Canadian dollar         | CME   | 0.00005    | 5.00    | 1   | 6C  | currencies
MCD  | Micro CAD/USD           | CME   | 0.0001     | 1.00    | 0.1 | 6C  | currencies
6S   | Swiss franc             | CME   | 0.00005    | 6.25    | 1   | 6S  | currencies
MSF  | Micro CHF/USD           | CME   | 0.0001     | 1.25    | 0.1 | 6S  | currencies
6N   | New Zealand dollar      | CME   | 0.00005    | 5.00    | 1   | 6N  | currencies
6M   | Mexican peso            | CME   | 0.00001    | 5.00    | 1   | 6M  | currencies
ZC   | Corn (cents)            | CBOT  | 0.25       | 12.50   | 1   | ZC  | grains
ZS   | Soybeans (cents)        | CBOT  | 0.25       | 12.50   | 1   | ZS  | grains
ZW   | Chicago wheat (cents)   | CBOT  | 0.25       | 12.50   | 1   | ZW  | grains
KE   | Kansas wheat (cents)    | CBOT  | 0.25       | 12.50   | 1   | KE  | grains
ZO   | Oats (cents)            | CBOT  | 0.25       | 12.50   | 1   | ZO  | grains
ZM   | Soybean meal            | CBOT  | 0.1        | 10.00   | 1   | ZM  | grains
ZL   | Soybean oil (cents)     | CBOT  | 0.01       | 6.00    | 1   | ZL  | grains
LE   | Live cattle (cents)     | CME   | 0.025      | 10.00   | 1   | LE  | livestock
HE   | Lean hogs (cents)       | CME   | 0.025      | 10.00   | 1   | HE  | livestock
GF   | Feeder cattle (cents)   | CME   | 0.025      | 12.50   | 1   | GF  | livestock
BTC  | Bitcoin                 | CME   | 5          | 25.00   | 1   | BTC | crypto
MBT  | Micro bitcoin           | CME   | 5          | 0.50    | 0.1 | BTC | crypto
ETH  | Ether                   | CME   | 0.5        | 25.00   | 1   | ETH | crypto
MET  | Micro ether             | CME   | 0.5        | 0.05    | 0.1 | ETH | crypto
VX   | VIX                     | CFE   | 0.05       | 50.00   | 1   | VX  | volatility
"""

# Seven majors and the crosses of the eight big currencies, base first as the market quotes them.
CURRENCY_PAIRS = """
EURUSD GBPUSD AUDUSD NZDUSD USDCAD USDCHF USDJPY
EURGBP EURAUD EURNZD EURCAD EURCHF EURJPY GBPAUD GBPNZD GBPCAD GBPCHF GBPJPY
AUDNZD AUDCAD AUDCHF AUDJPY NZDCAD NZDCHF NZDJPY CADCHF CADJPY CHFJPY
"""

# symbol | name | tick size | value of a tick for one lot | currency
METALS = """
XAUUSD | Gold spot   | 0.01  | 1.00 | USD
XAGUSD | Silver spot | 0.001 | 5.00 | USD
"""

# symbol | name | currency | other spellings
INDEX_CFDS = """
US30   | Dow Jones 30         | USD | WS30 DJ30 DJI30 WALLSTREET30
US100  | Nasdaq-100           | USD | NAS100 USTEC NDX100 NASDAQ100 USTECH100
US500  | S&P 500              | USD | SPX500 SP500 USA500
US2000 | Russell 2000         | USD | RUSSELL2000 RUS2000
GER40  | DAX 40               | EUR | DE40 DAX40 GER30 DE30 DEU40
EU50   | Euro Stoxx 50        | EUR | EUSTX50 STOXX50 ESTX50
FRA40  | CAC 40               | EUR | FR40 CAC40
SPA35  | IBEX 35              | EUR | ESP35 ES35
UK100  | FTSE 100             | GBP | FTSE100 GB100
JP225  | Nikkei 225           | JPY | JPN225 NIK225 NIKKEI225
AUS200 | ASX 200              | AUD | AU200
HK50   | Hang Seng            | HKD | HSI50 HKG50
"""

# The roots ProjectX writes in contract ids (CON.F.US.ENQ.Z26) where they differ from the exchange's.
# Only there: "USA" or "EP" on their own may be something else.
PROJECTX_ROOTS = {
    "ENQ": "NQ",
    "EP": "ES",
    "EU6": "6E",
    "BP6": "6B",
    "DA6": "6A",
    "JY6": "6J",
    "CA6": "6C",
    "SF6": "6S",
    "NE6": "6N",
    "MX6": "6M",
    "GCE": "GC",
    "SIE": "SI",
    "CLE": "CL",
    "NGE": "NG",
    "MCLE": "MCL",
    "TYA": "ZN",
    "USA": "ZB",
    "FVA": "ZF",
    "TUA": "ZT",
    "ULA": "UB",
    "TNA": "TN",
}
