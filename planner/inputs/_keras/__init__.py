"""What Keras' layers mean, as the planner's: a file for each family, and the networks that they make up.

A function for each of Keras' classes adds steps to a graph. Keras has its channels last, as shapes here are written, so
no axis is moved for the sake of a layer.

Source: https://keras.io/api/layers/
"""
