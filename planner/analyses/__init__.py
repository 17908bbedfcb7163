"""Analyses of a plan: each file has one function from Plan to a typed result.

A new analysis is a new file, and a property of `Report` that asks for it when it is first wanted. An analysis asks
layers and links for their answers and knows no type; exact integers and fractions only.
"""
